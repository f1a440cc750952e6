/** Browser sessions. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { Store } from '../../../src/store/store.ts';
import { newUser, type StoreUnderTest, webSession } from './fixtures.ts';

const IDLE = 10_000;

/** Registers the tests. */
export function webSessionContract({ fresh }: StoreUnderTest): void {
  describe('web sessions', () => {
    let store: Store;
    before(async () => {
      store = await fresh();
    });
    const alive = async (idHash: string, now = 2_000) => (await store.webSessions.find(idHash, now, IDLE)) !== null;

    it('a saved session is found again, changed by a later save, with its identity and its end unmoved', async () => {
      const session = webSession(await newUser(store));
      assert.equal(await store.webSessions.save(session), true);
      assert.deepEqual(await store.webSessions.find(session.idHash, 2_000, IDLE), session);
      const later = {
        ...session,
        data: '{"b":2}',
        lastSeenAt: 3_000,
        expiresAt: 900_000,
        createdAt: 3_000,
        publicId: 'x',
      };
      assert.equal(await store.webSessions.save(later), true);
      assert.deepEqual(await store.webSessions.find(session.idHash, 4_000, IDLE), {
        ...session,
        data: '{"b":2}',
        lastSeenAt: 3_000,
      });
    });

    it('a session without a user, as sign-in begins with, is kept too', async () => {
      const session = webSession(null);
      await store.webSessions.save(session);
      assert.equal(await alive(session.idHash), true);
    });

    it('an ended session stays ended, whoever saves or touches it afterwards', async () => {
      const session = webSession(await newUser(store));
      await store.webSessions.save(session);
      await store.webSessions.end(session.idHash, 1_500);
      assert.equal(await alive(session.idHash), false);
      assert.equal(await store.webSessions.save({ ...session, lastSeenAt: 1_600 }), false);
      await store.webSessions.touch(session.idHash, 1_700);
      assert.equal(await alive(session.idHash), false);
    });

    it('an ended session still refuses to be saved after the clean-up, until it would have expired', async () => {
      const other = await fresh();
      const session = webSession(null);
      const idle = webSession(null, { lastSeenAt: 1_000 });
      await other.webSessions.save(session);
      await other.webSessions.save(idle);
      await other.webSessions.end(session.idHash, 5_000);
      assert.equal(await other.webSessions.deleteExpired(12_000, IDLE, 10), 1, 'only the idle one');
      assert.equal(await other.webSessions.save(session), false);
      assert.equal(await other.webSessions.deleteExpired(15_000, IDLE, 10), 1, 'now the tombstone');
    });

    it('ends by idleness and, whatever happens, at its absolute end', async () => {
      const session = webSession(await newUser(store), { expiresAt: 30_000 });
      await store.webSessions.save(session);
      assert.equal(await alive(session.idHash, 10_999), true);
      assert.equal(await alive(session.idHash, 11_000), false);
      await store.webSessions.touch(session.idHash, 25_000);
      assert.equal(await alive(session.idHash, 29_999), true);
      assert.equal(await alive(session.idHash, 30_000), false);
      assert.equal(await store.webSessions.save({ ...session, lastSeenAt: 30_000 }), false);
    });

    it('a touch never moves the last sign of life back', async () => {
      const session = webSession(await newUser(store));
      await store.webSessions.save(session);
      await store.webSessions.touch(session.idHash, 5_000);
      await store.webSessions.touch(session.idHash, 4_000);
      assert.equal((await store.webSessions.find(session.idHash, 6_000, IDLE))?.lastSeenAt, 5_000);
    });

    it('is void at once when its user is revoked or blocked, and a newer one is not', async () => {
      const userId = await newUser(store);
      const [old, fresh] = [webSession(userId), webSession(userId, { createdAt: 1_500 })];
      await store.webSessions.save(old);
      await store.webSessions.save(fresh);
      await store.users.revokeAll(userId, 1_500);
      assert.deepEqual([await alive(old.idHash), await alive(fresh.idHash)], [false, true]);
      const listed = await store.webSessions.list(userId, 2_000, IDLE);
      assert.deepEqual(listed, [fresh]);
      await store.users.setBlocked(userId, 1_600);
      assert.equal(await alive(fresh.idHash), false);
    });

    it('lists a person’s devices, latest first, and ends one or all of theirs and nobody else’s', async () => {
      const [userId, otherId] = [await newUser(store), await newUser(store)];
      const sessions = [1_100, 1_300, 1_200].map((lastSeenAt) => webSession(userId, { lastSeenAt }));
      const theirs = webSession(otherId);
      for (const session of [...sessions, theirs]) await store.webSessions.save(session);
      const [a, b, c] = sessions;
      assert.ok(a && b && c);
      assert.deepEqual(await store.webSessions.list(userId, 2_000, IDLE), [b, c, a]);
      assert.equal(await store.webSessions.endOwned(otherId, b.publicId, 2_000), false);
      assert.equal(await store.webSessions.endOwned(userId, b.publicId, 2_000), true);
      assert.equal(await store.webSessions.endOwned(userId, b.publicId, 2_000), false);
      assert.deepEqual(await store.webSessions.list(userId, 2_000, IDLE), [c, a]);
      assert.equal(await store.webSessions.endAll(userId, 2_000), 2);
      assert.deepEqual(await store.webSessions.list(userId, 2_000, IDLE), []);
      assert.equal(await alive(theirs.idHash), true);
    });

    it('expired ones are cleaned a few at a time', async () => {
      const other = await fresh();
      for (let index = 0; index < 5; index += 1) await other.webSessions.save(webSession(null, { expiresAt: 5_000 }));
      const kept = webSession(null);
      await other.webSessions.save(kept);
      const steps = [];
      for (let index = 0; index < 3; index += 1) steps.push(await other.webSessions.deleteExpired(5_000, IDLE, 3));
      assert.deepEqual(steps, [3, 2, 0]);
      assert.ok(await other.webSessions.find(kept.idHash, 5_000, IDLE));
    });
  });
}
