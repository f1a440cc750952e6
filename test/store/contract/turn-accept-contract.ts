/** `accept`: what becomes of a message that asks for a turn. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { AcceptOutcome, OwnedChat, Store } from '../../../src/store/store.ts';
import { accepted, ask, atOnce, count, endOf, newChat, newUser, type StoreUnderTest } from './fixtures.ts';

/** Registers the tests. */
export function acceptContract({ fresh }: StoreUnderTest): void {
  describe('accepting a turn', () => {
    let store: Store;
    before(async () => {
      store = await fresh();
    });
    const chatOfNewUser = async () => newChat(store, await newUser(store));

    it('saves the message with a running turn when the chat is free and someone starts it', async () => {
      const chat = await chatOfNewUser();
      const turn = ask(chat, { model: 'm', background: true });
      const outcome = await store.turns.accept(turn);
      assert.equal(outcome.kind, 'accepted');
      assert.ok('message' in outcome);
      assert.deepEqual(
        { ...outcome.turn },
        {
          id: turn.turnId,
          chatId: chat.id,
          userId: chat.userId,
          status: 'running',
          userMessageId: turn.messageId,
          messageId: null,
          model: 'm',
          createdAt: 100,
          startedAt: 100,
          endedAt: null,
          error: null,
          answerSeq: 2,
          cancelRequestedAt: null,
          owner: 'instance-1',
          fence: 1,
          heartbeatAt: 100,
          background: true,
        },
      );
      assert.deepEqual(await store.turns.findOwned(chat.userId, turn.turnId), outcome.turn);
      assert.deepEqual(await store.messages.find(chat.id, turn.messageId), outcome.message);
      assert.equal((await store.chats.findOwned(chat.userId, chat.id))?.updatedAt, 100);
    });

    it('leaves it queued when nobody starts it', async () => {
      const turn = await accepted(store, ask(await chatOfNewUser(), { owner: null }));
      assert.deepEqual([turn.status, turn.owner, turn.fence, turn.startedAt], ['queued', null, 0, null]);
    });

    it('of 20 messages at once to one chat one runs, and the others are told which, having saved nothing', async () => {
      const chat = await chatOfNewUser();
      const outcomes = await atOnce(20, () => store.turns.accept(ask(chat)));
      const running = outcomes.find((outcome) => outcome.kind === 'accepted');
      assert.ok(running);
      const refused = outcomes.filter((outcome) => outcome.kind === 'turn_running');
      assert.equal(refused.length, 19);
      assert.ok(refused.every((outcome) => outcome.turnId === running.turn.id));
      assert.equal((await store.messages.list(chat.id, { order: 'asc', limit: 100 })).items.length, 1);
    });

    it('of 20 that may wait one runs and 19 queue, each with places of its own for question and answer', async () => {
      const chat = await chatOfNewUser();
      const limits = { turnsPerUser: 100, queuePerChat: 100 };
      const outcomes = await atOnce(20, () => store.turns.accept(ask(chat, { delivery: 'queue', limits })));
      const turns = outcomes.map((outcome) => (outcome.kind === 'accepted' ? outcome.turn : null));
      assert.equal(
        count(
          turns.map((turn) => turn?.status),
          'running',
        ),
        1,
      );
      assert.equal(
        count(
          turns.map((turn) => turn?.status),
          'queued',
        ),
        19,
      );
      const active = await store.turns.active(chat.id);
      assert.deepEqual(
        active.map((turn) => turn.answerSeq),
        Array.from({ length: 20 }, (_, index) => 2 * index + 2),
      );
      assert.equal(active[0]?.status, 'running');
      const { items } = await store.messages.list(chat.id, { order: 'asc', limit: 100 });
      assert.deepEqual(
        items.map((message) => [message.seq, message.turnId]),
        active.map((turn) => [turn.answerSeq - 1, turn.id]),
      );
    });

    it('refuses what is over the queue of the chat and the turns of the user, exactly, under parallel calls', async () => {
      const limits = { turnsPerUser: 4, queuePerChat: 2 };
      const userId = await newUser(store);
      const chats = [await newChat(store, userId), await newChat(store, userId), await newChat(store, userId)];
      const [first] = chats as [OwnedChat];
      const same = await atOnce(6, () => store.turns.accept(ask(first, { delivery: 'queue', limits })));
      assert.deepEqual(kinds(same), { accepted: 3, queue_full: 3 });
      const others = await atOnce(6, (index) => store.turns.accept(ask(chats[1 + (index % 2)] ?? first, { limits })));
      assert.equal(kinds(others).accepted, 1);
      assert.equal((await store.turns.activeOfUser(userId)).length, 4);
      await store.turns.end(endOf(await running(store, first)));
      assert.ok(await store.turns.claimNext(first.id, 'instance-1', 300));
      assert.equal((await store.turns.accept(ask(first, { delivery: 'queue', limits }))).kind, 'accepted');
    });

    it('a chat whose turns only wait takes no turn that will not, and lets one that will wait behind them', async () => {
      const chat = await chatOfNewUser();
      const waiting = await accepted(store, ask(chat, { owner: null }));
      assert.deepEqual(await store.turns.accept(ask(chat)), { kind: 'turn_running', turnId: waiting.id });
      for (const delivery of ['queue', 'steer'] as const) {
        assert.equal((await accepted(store, ask(chat, { delivery }))).status, 'queued');
      }
    });

    it('is for the chat’s owner only, and not after the chat is gone', async () => {
      const chat = await chatOfNewUser();
      const other = await newUser(store);
      assert.deepEqual(await store.turns.accept(ask(chat, { userId: other })), { kind: 'chat_gone' });
      await store.chats.delete(chat.userId, chat.id);
      assert.deepEqual(await store.turns.accept(ask(chat)), { kind: 'chat_gone' });
    });

    it('of 20 retries at once with one Idempotency-Key one is accepted and 19 replay it', async () => {
      const chat = await chatOfNewUser();
      const idempotency = { key: 'retry-1', bodyHash: 'hash' };
      const outcomes = await atOnce(20, () => store.turns.accept(ask(chat, { idempotency, delivery: 'queue' })));
      assert.deepEqual(kinds(outcomes), { accepted: 1, replayed: 19 });
      const ids = outcomes.map((outcome) => ('turn' in outcome ? outcome.turn.id : null));
      assert.equal(new Set(ids).size, 1);
      assert.equal((await store.messages.list(chat.id, { order: 'asc', limit: 100 })).items.length, 1);
    });

    it('a key means one request of one user: another body is a mismatch, another user’s is their own', async () => {
      const chat = await chatOfNewUser();
      const idempotency = { key: 'key', bodyHash: 'hash' };
      const turn = await accepted(store, ask(chat, { idempotency }));
      await store.turns.end(endOf(turn));
      const again = await store.turns.accept(ask(chat, { idempotency }));
      assert.equal(again.kind === 'replayed' && again.turn.status, 'completed');
      const changed = ask(chat, { idempotency: { key: 'key', bodyHash: 'other' } });
      assert.deepEqual(await store.turns.accept(changed), { kind: 'idempotency_mismatch' });
      const elsewhere = ask(await newChat(store, chat.userId), { idempotency });
      assert.equal(
        (await store.turns.accept(elsewhere)).kind,
        'replayed',
        'the hash names the chat where the caller did',
      );
      assert.equal((await store.turns.accept(ask(await chatOfNewUser(), { idempotency }))).kind, 'accepted');
    });

    it('old keys are forgotten a few at a time', async () => {
      const other = await fresh();
      const chat = await newChat(other, await newUser(other));
      const keyed = (key: string, now: number) =>
        other.turns.accept(ask(chat, { idempotency: { key, bodyHash: 'h' }, delivery: 'queue', now }));
      for (const [index, now] of [10, 20, 30, 40].entries()) await keyed(`k${index}`, now);
      const steps = [];
      for (let index = 0; index < 3; index += 1) steps.push(await other.turns.deleteIdempotencyKeys(40, 2));
      assert.deepEqual(steps, [2, 1, 0]);
      assert.equal((await keyed('k3', 50)).kind, 'replayed');
      assert.equal((await keyed('k0', 50)).kind, 'accepted');
    });

    it('a steering message joins the running turn, and everything that waits reads after its answer', async () => {
      const chat = await chatOfNewUser();
      const turn = await accepted(store, ask(chat, { content: 'one' }));
      const waiting = await accepted(store, ask(chat, { content: 'two', delivery: 'queue' }));
      const steered = await store.turns.accept(ask(chat, { content: 'also', delivery: 'steer' }));
      assert.ok(steered.kind === 'steered');
      assert.equal(steered.turn.id, turn.id);
      assert.equal(steered.message.turnId, turn.id);
      assert.deepEqual(await store.turns.findOwned(chat.userId, turn.id), steered.turn);
      assert.deepEqual(await store.turns.steered(turn.id, turn.answerSeq - 1), [steered.message]);
      assert.deepEqual(await store.turns.steered(turn.id, steered.message.seq), []);
      await store.turns.end(endOf(turn));
      const next = await store.turns.claimNext(chat.id, 'instance-1', 300);
      assert.equal(next?.id, waiting.id);
      await store.turns.end(endOf(next));
      const { items } = await store.messages.list(chat.id, { order: 'asc', limit: 10 });
      assert.deepEqual(
        items.map((message) => message.content),
        ['one', 'also', 'an answer', 'two', 'an answer'],
      );
    });

    it('a message to a turn that is being stopped waits for its own turn', async () => {
      const chat = await chatOfNewUser();
      const turn = await accepted(store, ask(chat));
      await store.turns.requestCancel(chat.userId, turn.id, 110);
      assert.equal((await accepted(store, ask(chat, { delivery: 'steer' }))).status, 'queued');
    });

    it('20 steering messages at once keep their places apart', async () => {
      const chat = await chatOfNewUser();
      const turn = await accepted(store, ask(chat));
      await atOnce(20, () => store.turns.accept(ask(chat, { delivery: 'steer' })));
      const steered = await store.turns.steered(turn.id, 0);
      assert.equal(new Set(steered.map((message) => message.seq)).size, 20);
      const now = await store.turns.findOwned(chat.userId, turn.id);
      assert.ok(now && now.answerSeq > (steered.at(-1)?.seq ?? 0));
    });
  });
}

function kinds(outcomes: AcceptOutcome[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of outcomes) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

async function running(store: Store, chat: OwnedChat) {
  const found = (await store.turns.active(chat.id)).find((turn) => turn.status === 'running');
  assert.ok(found);
  return found;
}
