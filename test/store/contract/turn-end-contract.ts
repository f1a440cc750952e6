/** The event log of a turn and its end. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { before, describe, it } from 'node:test';
import type { TurnFrame } from '../../../src/store/records.ts';
import type { OwnedTurn, Store } from '../../../src/store/store.ts';
import { accepted, ask, atOnce, count, endOf, newChat, newUser, type StoreUnderTest } from './fixtures.ts';

/** Registers the tests. */
export function turnEndContract({ fresh }: StoreUnderTest): void {
  describe('the log and the end of a turn', () => {
    let store: Store;
    before(async () => {
      store = await fresh();
    });
    const newTurn = async (): Promise<OwnedTurn> => accepted(store, ask(await newChat(store, await newUser(store))));
    const append = (turn: OwnedTurn, from: number, to: number, now = 120) =>
      store.turns.appendFrames(turn.id, turn.fence, frames(from, to), now);

    it('frames are read back from anywhere as they were written, across batches', async () => {
      const turn = await newTurn();
      assert.equal(await append(turn, 1, 3), true);
      assert.equal(await append(turn, 4, 4, 130), true);
      await store.turns.end(endOf(turn, { frames: frames(5, 7) }));
      for (let after = 0; after <= 7; after += 1) {
        assert.deepEqual(await store.turns.frames(turn.id, after, 1e6), frames(after + 1, 7));
      }
    });

    it('a reader takes as many bytes as it asked for, at least a frame, and loses none', async () => {
      const turn = await newTurn();
      for (let batch = 0; batch < 40; batch += 1) await append(turn, batch * 5 + 1, batch * 5 + 5);
      const read: TurnFrame[] = [];
      for (;;) {
        const step = await store.turns.frames(turn.id, read.at(-1)?.id ?? 0, 1_000);
        if (step.length === 0) break;
        assert.ok(Buffer.byteLength(step.map((frame) => frame.data).join('')) <= 1_000);
        read.push(...step);
      }
      assert.deepEqual(read, frames(1, 200));
      assert.deepEqual(await store.turns.frames(turn.id, 3, 1), frames(4, 4));
    });

    it('appending signs life; a batch that comes twice is kept once; a gap is refused', async () => {
      const turn = await newTurn();
      await append(turn, 1, 3, 125);
      assert.equal((await store.turns.findOwned(turn.userId, turn.id))?.heartbeatAt, 125);
      assert.equal(await append(turn, 1, 3), true);
      assert.equal(await append(turn, 2, 5), true);
      await assert.rejects(append(turn, 7, 8), /do not follow 5/);
      assert.deepEqual(await store.turns.frames(turn.id, 0, 1e6), frames(1, 5));
    });

    it('tells that the session lacks a message that was cancelled while it waited behind', async () => {
      const userId = await newUser(store);
      const chat = await newChat(store, userId);
      const version = async () => (await store.chats.findOwned(userId, chat.id))?.contextVersion ?? -1;
      const running = await accepted(store, ask(chat));
      const waiting = await accepted(store, ask(chat, { delivery: 'queue' }));
      await store.turns.requestCancel(userId, waiting.id, 150);
      // The session of the running turn may be opened only now, under this version and without that message.
      const opened = await version();
      assert.ok(await store.turns.end(endOf(running)));
      assert.equal(await version(), opened + 1);
      const next = await accepted(store, ask(chat));
      assert.ok(await store.turns.end(endOf(next)));
      assert.equal(await version(), opened + 1, 'once');
    });

    it('tells so, too, when the running turn has moved behind that message since', async () => {
      const userId = await newUser(store);
      const chat = await newChat(store, userId);
      const running = await accepted(store, ask(chat));
      const waiting = await accepted(store, ask(chat, { delivery: 'queue' }));
      await store.turns.requestCancel(userId, waiting.id, 150);
      assert.equal((await store.turns.accept(ask(chat, { delivery: 'steer' }))).kind, 'steered');
      const opened = (await store.chats.findOwned(userId, chat.id))?.contextVersion ?? -1;
      assert.ok(await store.turns.end(endOf(running)));
      assert.equal((await store.chats.findOwned(userId, chat.id))?.contextVersion, opened + 1);
    });

    it('the end writes answer, frames, usage and the chat’s activity together', async () => {
      const turn = await newTurn();
      const usage = {
        id: randomUUIDv7(),
        turnId: turn.id,
        chatId: turn.chatId,
        userId: turn.userId,
        model: 'model-1',
        inputTokens: 1,
        outputTokens: 2,
        cachedTokens: 3,
        cost: 0.5,
        createdAt: 190,
      };
      const end = endOf(turn, { usage: [usage], contextLost: true, frames: frames(1, 2) });
      assert.equal(await store.turns.end(end), true);
      const ended = await store.turns.findOwned(turn.userId, turn.id);
      assert.deepEqual(
        { ...ended },
        { ...turn, status: 'completed', endedAt: 200, messageId: end.message?.id, model: 'model-1' },
      );
      assert.deepEqual(await store.messages.find(turn.chatId, end.message?.id ?? ''), {
        ...end.message,
        chatId: turn.chatId,
        turnId: turn.id,
        role: 'assistant',
        attachments: [],
        seq: turn.answerSeq,
      });
      assert.deepEqual(await store.usage.ofUser(turn.userId, { from: 0, to: 1_000 }), [usage]);
      const chat = await store.chats.findOwned(turn.userId, turn.chatId);
      assert.deepEqual([chat?.updatedAt, chat?.contextVersion], [200, 1]);
    });

    it('a failed turn keeps its problem and may have no answer', async () => {
      const turn = await newTurn();
      const error = { type: 't', title: 'x', status: 503, detail: 'd', code: 'interrupted' as const, requestId: null };
      await store.turns.end(endOf(turn, { status: 'failed', error, message: null }));
      const ended = await store.turns.findOwned(turn.userId, turn.id);
      assert.deepEqual([ended?.error, ended?.messageId], [error, null]);
      assert.equal((await store.messages.list(turn.chatId, { order: 'asc', limit: 5 })).items.length, 1);
    });

    it('of 20 ends at once one is written, once', async () => {
      const turn = await newTurn();
      const ends = await atOnce(20, () => store.turns.end(endOf(turn)));
      assert.equal(count(ends, true), 1);
      assert.equal((await store.messages.list(turn.chatId, { order: 'asc', limit: 5 })).items.length, 2);
    });

    it('after its end, or with an older fence, nothing is written any more', async () => {
      const turn = await newTurn();
      const older = { ...turn, fence: turn.fence - 1 };
      assert.equal(await append(older, 1, 1), false);
      assert.equal(await store.turns.end(endOf(older)), false);
      assert.equal(await store.turns.end(endOf(turn, { status: 'interrupted' })), true);
      const ended = await store.turns.findOwned(turn.userId, turn.id);
      assert.equal(await append(turn, 2, 2), false);
      assert.equal(await store.turns.end(endOf(turn)), false);
      assert.deepEqual(await store.turns.findOwned(turn.userId, turn.id), ended);
      assert.deepEqual(await store.turns.frames(turn.id, 1, 1e6), []);
    });

    it('an end that cannot be written whole leaves nothing of it', async () => {
      const turn = await newTurn();
      const end = endOf(turn, { frames: frames(3, 4) });
      await assert.rejects(store.turns.end(end), /do not follow 0/);
      assert.deepEqual(await store.turns.findOwned(turn.userId, turn.id), turn);
      assert.equal((await store.messages.list(turn.chatId, { order: 'asc', limit: 5 })).items.length, 1);
    });

    it('logs of turns that ended long ago are dropped in small steps, the turns stay', async () => {
      const other = await fresh();
      const turns = [];
      for (const now of [10, 20, 30, 40]) {
        const turn = await accepted(other, ask(await newChat(other, await newUser(other))));
        await other.turns.end(endOf(turn, { now, frames: frames(1, 2) }));
        turns.push(turn);
      }
      const running = await accepted(other, ask(await newChat(other, await newUser(other)), { now: 1 }));
      await other.turns.appendFrames(running.id, 1, frames(1, 1), 2);
      const steps = [];
      for (let index = 0; index < 3; index += 1) steps.push(await other.turns.deleteFrames(40, 2));
      assert.deepEqual(steps, [2, 1, 0]);
      const left = [];
      for (const turn of [...turns, running]) left.push((await other.turns.frames(turn.id, 0, 1e6)).length);
      assert.deepEqual(left, [0, 0, 0, 2, 1]);
    });
  });
}

/** Frames `from` to `to` of a turn, with text that engines and formats could stumble over. */
function frames(from: number, to: number): TurnFrame[] {
  return Array.from({ length: to - from + 1 }, (_, index) => ({
    id: from + index,
    event: 'message.delta',
    data: JSON.stringify({ text: `part ${from + index} "\\ 안녕 \n👋`, padding: 'x'.repeat((from + index) * 3) }),
  }));
}
