/** What instances on one database lean on: how their turns stand, what waits, ends that know who joined. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Store } from '../../../src/store/store.ts';
import { accepted, ask, endOf, newChat, newUser, type StoreUnderTest } from './fixtures.ts';

async function steer(store: Store, turn: Parameters<typeof ask>[0]): Promise<number> {
  const outcome = await store.turns.accept(ask(turn, { delivery: 'steer' }));
  assert.equal(outcome.kind, 'steered');
  return outcome.kind === 'steered' ? outcome.message.seq : 0;
}

export function clusterContract({ fresh, sibling, engine }: StoreUnderTest): void {
  describe('turns of several instances', () => {
    it('a turn does not end over a message that joined unseen, and ends when it has been seen', async () => {
      const store = await fresh();
      const other = await sibling(store);
      const chat = await newChat(store, await newUser(store));
      const outcome = await store.turns.accept(ask(chat));
      assert.ok(outcome.kind === 'accepted');
      const { turn, message } = outcome;
      const waiting = await accepted(store, ask(chat, { delivery: 'queue' }));
      const place = await steer(other, chat);
      assert.equal(await store.turns.end(endOf(turn, { joinedSeq: message.seq })), false);
      assert.equal((await store.turns.findOwned(chat.userId, turn.id))?.status, 'running');
      assert.deepEqual(
        (await store.turns.steered(turn.id, message.seq)).map(({ seq }) => seq),
        [place],
      );
      assert.equal(await store.turns.end(endOf(turn, { joinedSeq: place })), true);
      assert.equal((await other.turns.claimNext(chat.id, 'instance-2', 300))?.id, waiting.id);
    });

    it('tells how those stand that run: asked to stop, joined, taken over; the others are left out', async () => {
      const store = await fresh();
      const other = await sibling(store);
      const user = await newUser(store);
      const [first, second, third] = [
        await newChat(store, user),
        await newChat(store, user),
        await newChat(store, user),
      ];
      const turns = [
        await accepted(store, ask(first)),
        await accepted(store, ask(second)),
        await accepted(store, ask(third)),
      ];
      await other.turns.requestCancel(user, turns[0]?.id ?? '', 150);
      const place = await steer(other, second);
      await store.turns.end(endOf(turns[2] as (typeof turns)[0]));
      const standing = await store.turns.standing([...turns.map(({ id }) => id), 'nobody']);
      assert.deepEqual(
        turns.map(({ id }) => standing.find((one) => one.id === id)),
        [
          { id: turns[0]?.id, fence: 1, cancelRequestedAt: 150, answerSeq: turns[0]?.answerSeq },
          { id: turns[1]?.id, fence: 1, cancelRequestedAt: null, answerSeq: place + 1 },
          undefined,
        ],
      );
      assert.deepEqual(await store.turns.standing([]), []);
    });

    it('finds what waits in the background where nothing runs, the oldest first', async () => {
      const store = await fresh();
      const user = await newUser(store);
      const chats = [await newChat(store, user), await newChat(store, user), await newChat(store, user)] as const;
      const background = { background: true, owner: null } as const;
      const late = await accepted(store, ask(chats[0], { ...background, now: 300 }));
      const early = await accepted(store, ask(chats[1], { ...background, now: 200 }));
      await accepted(store, ask(chats[2]));
      await accepted(store, ask(chats[2], { ...background, delivery: 'queue', now: 50 }));
      const idsBefore = async (before: number, limit = 10) =>
        (await store.turns.waitingInBackground(before, limit)).map(({ id }) => id);
      assert.deepEqual(await idsBefore(1_000), [early.id, late.id]);
      assert.deepEqual(await idsBefore(1_000, 1), [early.id]);
      assert.deepEqual(await idsBefore(300), [early.id]);
      assert.deepEqual(await store.turns.chatsWithWork(10, 'foreground'), []);
      const mixed = await accepted(store, ask(chats[1], { delivery: 'queue', now: 400 }));
      assert.deepEqual(await store.turns.chatsWithWork(10, 'foreground'), [mixed.chatId]);
      assert.equal((await store.turns.chatsWithWork(10)).length, 2);
    });

    it('counts the requests of all instances together', {
      skip: engine === 'sqlite' && 'one process counts alone',
    }, async () => {
      const store = await fresh();
      const other = await sibling(store);
      const of = (key: string, count: number, windowAt = 60_000) => ({ key, windowAt, count });
      assert.deepEqual(await store.rateCounts?.add([of('mona', 2)]), [of('mona', 2)]);
      const sums = await other.rateCounts?.add([of('mona', 3), of('hubot', 1), of('mona', 1, 120_000)]);
      assert.deepEqual(
        sums?.sort((a, b) => b.count - a.count),
        [of('mona', 5), of('hubot', 1), of('mona', 1, 120_000)],
      );
      await store.rateCounts?.deleteOld(120_000);
      assert.deepEqual(
        await store.rateCounts?.add([of('mona', 1), of('mona', 1, 120_000)]).then((all) => all.length),
        2,
      );
      assert.deepEqual(await store.rateCounts?.add([]), []);
    });

    it('tells the time of the engine', async () => {
      const store = await fresh();
      assert.ok(Math.abs((await store.time()) - Date.now()) < 5_000);
    });
  });
}
