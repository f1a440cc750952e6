/** Sealed credentials and the one right to refresh them. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { Store } from '../../../src/store/store.ts';
import { atOnce, count, newUser, type StoreUnderTest } from './fixtures.ts';

/** Registers the tests. */
export function credentialContract({ fresh, sibling }: StoreUnderTest): void {
  describe('credentials', () => {
    let store: Store;
    before(async () => {
      store = await fresh();
    });
    const put = (userId: string, keyId = 'key-1', now = 50) =>
      store.credentials.put({ userId, sealed: `sealed at ${now}`, keyId, expiresAt: null, now });

    it('signing in replaces the credential, counts its version up and forgives a rejection', async () => {
      const userId = await newUser(store);
      assert.equal((await put(userId)).version, 1);
      await store.credentials.markRejected(userId, 1, 60);
      assert.equal((await store.credentials.find(userId))?.rejectedAt, 60);
      const again = await put(userId, 'key-2', 70);
      assert.deepEqual(again, {
        userId,
        sealed: 'sealed at 70',
        keyId: 'key-2',
        version: 2,
        expiresAt: null,
        rejectedAt: null,
        checkedAt: 70,
        updatedAt: 70,
      });
      await store.credentials.markRejected(userId, 1, 80);
      assert.equal((await store.credentials.find(userId))?.rejectedAt, null, 'the rejected one is gone');
      assert.equal(await store.credentials.delete(userId, 1), false, 'that version is gone');
      assert.equal((await store.credentials.find(userId))?.version, 2);
      assert.equal(await store.credentials.delete(userId), true);
      assert.equal(await store.credentials.find(userId), null);
    });

    it('of 20 refreshes of one version exactly one is written', async () => {
      const userId = await newUser(store);
      const { version } = await put(userId);
      const written = await atOnce(20, (index) =>
        store.credentials.replace({ userId, version, sealed: `by ${index}`, keyId: 'key-1', expiresAt: 9, now: 60 }),
      );
      assert.equal(count(written, true), 1);
      assert.equal((await store.credentials.find(userId))?.sealed, `by ${written.indexOf(true)}`);
      assert.equal((await store.credentials.find(userId))?.version, 2);
    });

    it('finds what is sealed with another key, by user, a few at a time', async () => {
      const ids = [];
      for (let index = 0; index < 5; index += 1) ids.push(await newUser(store));
      for (const [index, id] of ids.entries()) await put(id, index === 2 ? 'new' : 'old-of-rotation');
      const found: string[] = [];
      let after: string | null = null;
      for (;;) {
        const step: { userId: string; keyId: string }[] = await store.credentials.sealedWithOther('new', after, 2);
        found.push(...step.filter((record) => record.keyId === 'old-of-rotation').map((record) => record.userId));
        after = step.at(-1)?.userId ?? null;
        if (after === null) break;
      }
      assert.deepEqual(
        found,
        ids.filter((_, index) => index !== 2),
      );
    });

    it('names people whose membership has to be checked again, longest unchecked first', async () => {
      const other = await fresh();
      const ids = [];
      for (let index = 0; index < 4; index += 1) ids.push(await newUser(other));
      for (const [index, userId] of ids.entries()) {
        await other.credentials.put({ userId, sealed: 's', keyId: 'k', expiresAt: null, now: 100 - index });
      }
      await other.credentials.markChecked(ids[3] ?? '', 500);
      assert.deepEqual(await other.users.dueForRecheck(100, 10), [ids[2], ids[1]]);
      assert.deepEqual(await other.users.dueForRecheck(100, 1), [ids[2]]);
    });
  });

  describe('the right to refresh', () => {
    let store: Store;
    let second: Store;
    before(async () => {
      store = await fresh();
      second = await sibling(store);
    });
    const never = new AbortController().signal;

    it('is held by one at a time, across instances, and by different people at once', async () => {
      let inside = 0;
      let most = 0;
      const order = await atOnce(20, (index) =>
        (index % 2 ? store : second).credentials.withRefreshLock('1', never, async () => {
          inside += 1;
          most = Math.max(most, inside);
          await store.credentials.find('1');
          inside -= 1;
          return index;
        }),
      );
      assert.equal(most, 1);
      assert.deepEqual(
        order,
        Array.from({ length: 20 }, (_, index) => index),
      );
      const both = await store.credentials.withRefreshLock('1', never, () =>
        second.credentials.withRefreshLock('2', never, async () => 'at once'),
      );
      assert.equal(both, 'at once');
    });

    it('is passed on when its holder fails', async () => {
      const failing = store.credentials.withRefreshLock('3', never, () => Promise.reject(new Error('GitHub is down')));
      await assert.rejects(failing, /GitHub is down/);
      assert.equal(await second.credentials.withRefreshLock('3', never, async () => 'next'), 'next');
    });

    it('is not waited for beyond the deadline, and giving up does not lose it', async () => {
      const held = Promise.withResolvers<void>();
      const holds = Promise.withResolvers<void>();
      const holder = store.credentials.withRefreshLock('4', never, () => {
        holds.resolve();
        return held.promise;
      });
      await holds.promise;
      for (const waiter of [store, second]) {
        const deadline = new AbortController();
        const waiting = waiter.credentials.withRefreshLock('4', deadline.signal, async () => 'too early');
        deadline.abort(new Error('gave up'));
        await assert.rejects(waiting, /gave up/);
      }
      held.resolve();
      await holder;
      assert.equal(await second.credentials.withRefreshLock('4', never, async () => 'mine'), 'mine');
    });
  });
}
