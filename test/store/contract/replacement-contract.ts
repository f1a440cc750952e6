/** Turns that replace the end of a history. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { AcceptOutcome, OwnedChat, OwnedTurn, Store } from '../../../src/store/store.ts';
import { accepted, ask, atOnce, count, endOf, newChat, newUser, type StoreUnderTest } from './fixtures.ts';

/** Runs the suite on `subject`. */
export function replacementContract(subject: StoreUnderTest): void {
  describe('replacing the end of a history', () => {
    let store: Store;
    let userId: string;
    before(async () => {
      store = await subject.fresh();
      userId = await newUser(store);
    });

    const texts = async (chat: OwnedChat) =>
      (await store.messages.list(chat.id, { order: 'asc', limit: 100 })).items.map(({ content }) => content);
    const found = async (q: string) => (await store.chats.list(userId, { q, limit: 10 })).items.length;
    const version = async (chat: OwnedChat) => (await store.chats.findOwned(userId, chat.id))?.contextVersion;

    /** A turn of `chat` with its question and answer. */
    async function said(chat: OwnedChat, question: string, answer: string): Promise<OwnedTurn> {
      const turn = await accepted(store, ask(chat, { content: question }));
      const message = { id: `${turn.id}-a`, content: answer, model: null, status: 'complete' as const, createdAt: 150 };
      assert.ok(await store.turns.end(endOf(turn, { message })));
      return turn;
    }

    it('removes the messages, what search knows of them and the log, and tells the runtime to forget', async () => {
      const chat = await newChat(store, userId);
      const first = await said(chat, 'alpha', 'beta');
      const second = await said(chat, 'gammaray', 'deltawing');
      const outcome = await store.turns.accept(
        ask(chat, { content: 'epsilon', replaces: { kind: 'edit', messageId: second.userMessageId } }),
      );
      assert.equal(outcome.kind, 'accepted');
      assert.deepEqual(await texts(chat), ['alpha', 'beta', 'epsilon']);
      assert.deepEqual([await found('gammaray'), await found('deltawing'), await found('epsilon')], [0, 0, 1]);
      assert.equal(await version(chat), chat.contextVersion + 1);
      assert.deepEqual(await store.turns.frames(second.id, 0, 1_000), []);
      assert.equal((await store.turns.frames(first.id, 0, 1_000)).length, 1);
      const old = await store.turns.findOwned(userId, second.id);
      assert.deepEqual([old?.status, old?.messageId], ['completed', null]);
    });

    it('asks the question again that stands before the answer, with its images, under a place that was never used', async () => {
      const chat = await newChat(store, userId);
      const image = { type: 'image' as const, mimeType: 'image/png', data: 'iVBORw0KGgo=', name: null };
      const turn = await accepted(store, ask(chat, { content: 'what is it', attachments: [image] }));
      await store.turns.end(endOf(turn));
      await said(chat, 'later', 'on');
      const [question, answer] = (await store.messages.list(chat.id, { order: 'asc', limit: 2 })).items;
      const outcome = await store.turns.accept(
        ask(chat, { content: '', replaces: { kind: 'regenerate', messageId: answer?.id ?? '' } }),
      );
      assert.ok(outcome.kind === 'accepted');
      assert.equal(outcome.message.id, question?.id);
      assert.deepEqual(outcome.message.attachments, [image]);
      assert.equal(outcome.turn.userMessageId, question?.id);
      assert.ok(outcome.message.seq > 4, 'places are not given out twice');
      assert.equal(outcome.turn.answerSeq, outcome.message.seq + 1);
      assert.deepEqual(await texts(chat), ['what is it']);
      assert.ok(await store.turns.end(endOf(outcome.turn, { joinedSeq: outcome.message.seq })));
      assert.deepEqual(await texts(chat), ['what is it', 'an answer']);
      assert.equal(await found('what is it'), 1);
    });

    it('takes the last question where no answer is named', async () => {
      const chat = await newChat(store, userId);
      await said(chat, 'one', 'two');
      const failed = await accepted(store, ask(chat, { content: 'three' }));
      await store.turns.end(endOf(failed, { status: 'failed', message: null }));
      const outcome = await store.turns.accept(ask(chat, { replaces: { kind: 'regenerate', messageId: null } }));
      assert.ok(outcome.kind === 'accepted');
      assert.equal(outcome.message.content, 'three');
      assert.deepEqual(await texts(chat), ['one', 'two', 'three']);
    });

    it('changes nothing where it is refused', async () => {
      const chat = await newChat(store, userId);
      const other = await newChat(store, userId);
      const turn = await said(chat, 'one', 'two');
      const elsewhere = await said(other, 'not', 'here');
      const answerId = `${turn.id}-a`;
      const refused: [string, AcceptOutcome['kind'], Parameters<typeof ask>[1]][] = [
        ['an answer is not edited', 'message_gone', { replaces: { kind: 'edit', messageId: answerId } }],
        [
          'a message of another chat',
          'message_gone',
          { replaces: { kind: 'edit', messageId: elsewhere.userMessageId } },
        ],
        ['no such answer', 'message_gone', { replaces: { kind: 'regenerate', messageId: 'nowhere' } }],
        [
          'a question is no answer',
          'message_gone',
          { replaces: { kind: 'regenerate', messageId: turn.userMessageId } },
        ],
        [
          'too many turns',
          'too_many_turns',
          {
            replaces: { kind: 'regenerate', messageId: null },
            limits: { turnsPerUser: 0, queuePerChat: 5 },
          },
        ],
      ];
      for (const [what, kind, changes] of refused) {
        assert.equal((await store.turns.accept(ask(chat, changes))).kind, kind, what);
      }
      const empty = await newChat(store, userId);
      const nothing = await store.turns.accept(ask(empty, { replaces: { kind: 'regenerate', messageId: null } }));
      assert.equal(nothing.kind, 'message_gone');
      assert.deepEqual(await texts(chat), ['one', 'two']);
      assert.equal(await version(chat), chat.contextVersion);
    });

    it('happens once however many ask at once, and a retry finds the first', async () => {
      const chat = await newChat(store, userId);
      await said(chat, 'one', 'two');
      const replaces = { kind: 'regenerate' as const, messageId: null };
      const outcomes = await atOnce(8, () => store.turns.accept(ask(chat, { replaces })));
      const kinds = outcomes.map(({ kind }) => kind);
      assert.equal(count(kinds, 'accepted'), 1);
      assert.equal(count(kinds, 'turn_running'), 7);
      const winner = outcomes.find(({ kind }) => kind === 'accepted') as Extract<AcceptOutcome, { kind: 'accepted' }>;
      await store.turns.end(endOf(winner.turn));
      const idempotency = { key: `k-${chat.id}`, bodyHash: 'h' };
      const messageId = winner.turn.userMessageId;
      const edit = { content: 'new', idempotency, replaces: { kind: 'edit' as const, messageId } };
      const turn = await accepted(store, ask(chat, edit));
      const again = await store.turns.accept(ask(chat, edit));
      assert.ok(again.kind === 'replayed');
      assert.equal(again.turn.id, turn.id);
      assert.deepEqual(await texts(chat), ['new']);
    });

    it('leaves the ledger as it was', async () => {
      const chat = await newChat(store, userId);
      const turn = await accepted(store, ask(chat));
      const used = { id: `${turn.id}-u`, turnId: turn.id, chatId: chat.id, userId, model: 'm', inputTokens: 1 };
      const usage = [{ ...used, outputTokens: 2, cachedTokens: 0, cost: null, createdAt: 5_000 }];
      await store.turns.end(endOf(turn, { usage }));
      await accepted(store, ask(chat, { replaces: { kind: 'regenerate', messageId: null } }));
      assert.equal((await store.usage.ofUser(userId, { from: 5_000, to: 5_001 })).length, 1);
    });
  });
}
