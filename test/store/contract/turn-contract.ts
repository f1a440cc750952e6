/** Turns between their acceptance and their end: claims, signs of life, cancels. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { OwnedTurn, Store } from '../../../src/store/store.ts';
import { accepted, ask, atOnce, endOf, newChat, newUser, type StoreUnderTest } from './fixtures.ts';

/** Registers the tests. */
export function turnContract({ fresh, sibling }: StoreUnderTest): void {
  describe('turns', () => {
    let store: Store;
    let second: Store;
    before(async () => {
      store = await fresh();
      second = await sibling(store);
    });
    const chatOfNewUser = async () => newChat(store, await newUser(store));

    it('are read by their owner only', async () => {
      const chat = await chatOfNewUser();
      const turn = await accepted(store, ask(chat));
      assert.equal(await store.turns.findOwned(await newUser(store), turn.id), null);
      assert.equal(await store.turns.requestCancel(await newUser(store), turn.id, 110), null);
    });

    it('of 20 claims by two instances one gets the oldest, with a fence counted up', async () => {
      const chat = await chatOfNewUser();
      const oldest = await accepted(store, ask(chat, { owner: null }));
      await accepted(store, ask(chat, { owner: null, delivery: 'queue' }));
      const claims = await atOnce(20, (index) =>
        (index % 2 ? store : second).turns.claimNext(chat.id, `instance-${index}`, 300),
      );
      const won = claims.filter((claim) => claim !== null);
      assert.equal(won.length, 1);
      const { status, fence, startedAt, heartbeatAt, owner } = won[0] ?? oldest;
      assert.deepEqual(
        { id: won[0]?.id, status, fence, startedAt, heartbeatAt, owner },
        {
          id: oldest.id,
          status: 'running',
          fence: 1,
          startedAt: 300,
          heartbeatAt: 300,
          owner: `instance-${claims.findIndex((claim) => claim !== null)}`,
        },
      );
      assert.equal(await store.turns.claimNext(chat.id, 'instance-1', 301), null, 'one runs');
    });

    it('a claim and a new message at once never make two running turns', async () => {
      for (let round = 0; round < 5; round += 1) {
        const chat = await chatOfNewUser();
        const waiting = await accepted(store, ask(chat, { owner: null }));
        await Promise.all([
          second.turns.claimNext(chat.id, 'instance-2', 300),
          store.turns.accept(ask(chat, { delivery: 'queue' })),
          store.turns.requestCancel(chat.userId, waiting.id, 300),
          store.turns.accept(ask(chat, { delivery: 'queue' })),
        ]);
        const running = (await store.turns.active(chat.id)).filter((turn) => turn.status === 'running');
        assert.ok(running.length <= 1);
      }
    });

    it('names chats with work and nobody on it, longest waiting first', async () => {
      const other = await fresh();
      const chats = [];
      for (const now of [30, 10, 20]) {
        const chat = await newChat(other, await newUser(other));
        await accepted(other, ask(chat, { owner: null, now }));
        await accepted(other, ask(chat, { owner: null, now: 40, delivery: 'queue' }));
        chats.push(chat.id);
      }
      const busy = await newChat(other, await newUser(other));
      await accepted(other, ask(busy));
      await accepted(other, ask(busy, { now: 1, delivery: 'queue' }));
      assert.deepEqual(await other.turns.chatsWithWork(10), [chats[1], chats[2], chats[0]]);
      assert.deepEqual(await other.turns.chatsWithWork(1), [chats[1]]);
    });

    it('a queued turn is cancelled at once, a running one when its owner obeys; asking again changes nothing', async () => {
      const chat = await chatOfNewUser();
      const running = await accepted(store, ask(chat));
      const queued = await accepted(store, ask(chat, { delivery: 'queue' }));
      const stopped = await store.turns.requestCancel(chat.userId, queued.id, 120);
      assert.deepEqual({ ...stopped }, { ...queued, status: 'cancelled', endedAt: 120, cancelRequestedAt: 120 });
      assert.deepEqual(await store.turns.requestCancel(chat.userId, queued.id, 130), stopped);
      const asked = await store.turns.requestCancel(chat.userId, running.id, 121);
      assert.deepEqual({ ...asked }, { ...running, cancelRequestedAt: 121 });
      assert.deepEqual(await store.turns.requestCancel(chat.userId, running.id, 131), asked);
      await store.turns.end(endOf(running, { status: 'cancelled' }));
      const ended = await store.turns.requestCancel(chat.userId, running.id, 140);
      assert.deepEqual([ended?.status, ended?.cancelRequestedAt], ['cancelled', 121]);
    });

    it('a sign of life is for turns of that owner that run, and brings requests to cancel', async () => {
      const [a, b, c] = [await chatOfNewUser(), await chatOfNewUser(), await chatOfNewUser()];
      const turns = [];
      for (const chat of [a, b, c]) turns.push(await accepted(store, ask(chat)));
      const [running, cancelled, ended] = turns;
      assert.ok(running && cancelled && ended);
      await store.turns.requestCancel(b.userId, cancelled.id, 120);
      await store.turns.end(endOf(ended));
      const ids = turns.map((turn) => turn.id);
      assert.deepEqual(await store.turns.heartbeat('instance-1', ids, 130), [
        { id: cancelled.id, fence: 1, cancelRequestedAt: 120 },
      ]);
      assert.deepEqual(await store.turns.heartbeat('instance-2', ids, 140), []);
      assert.deepEqual(await store.turns.heartbeat('instance-1', [], 150), []);
      const beats = [];
      for (const [index, chat] of [a, b, c].entries()) {
        beats.push((await store.turns.findOwned(chat.userId, ids[index] ?? ''))?.heartbeatAt);
      }
      assert.deepEqual(beats, [130, 130, 100]);
    });

    it('a turn without a sign of life is abandoned, as is what an owner left behind', async () => {
      const other = await fresh();
      const turns: OwnedTurn[] = [];
      for (const [owner, now] of [
        ['a', 10],
        ['b', 20],
        ['b', 90],
        [null, 5],
      ] as const) {
        turns.push(await accepted(other, ask(await newChat(other, await newUser(other)), { owner, now })));
      }
      const ids = async (before: number, owner: string | null, limit = 10) =>
        (await other.turns.abandoned(before, owner, limit)).map((turn) => turns.findIndex(({ id }) => id === turn.id));
      assert.deepEqual(await ids(50, null), [0, 1]);
      assert.deepEqual(await ids(50, null, 1), [0]);
      assert.deepEqual(await ids(15, 'b'), [0, 1, 2]);
      const [first] = turns;
      assert.ok(first);
      await other.turns.end(endOf(first, { status: 'interrupted' }));
      assert.deepEqual(await ids(50, null), [1]);
    });

    it('what is active is listed by chat and by user, oldest first', async () => {
      const userId = await newUser(store);
      const [one, two] = [await newChat(store, userId), await newChat(store, userId)];
      const first = await accepted(store, ask(one, { now: 10 }));
      const ended = await accepted(store, ask(two, { now: 11 }));
      await store.turns.end(endOf(ended));
      const third = await accepted(store, ask(one, { now: 12, delivery: 'queue' }));
      const fourth = await accepted(store, ask(two, { now: 13 }));
      assert.deepEqual(await store.turns.active(one.id), [first, third]);
      assert.deepEqual(await store.turns.activeOfUser(userId), [first, third, fourth]);
    });
  });
}
