/** Chats made of a history: forked, or imported. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { before, describe, it } from 'node:test';
import type { Fork, ImportedChat, OwnedChat, Store } from '../../../src/store/store.ts';
import { accepted, ask, endOf, newChat, newUser, type StoreUnderTest } from './fixtures.ts';

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const IMAGE = { type: 'image' as const, mimeType: 'image/png', data: 'iVBORw0KGgo=', name: 'dot.png' };

/** Runs the suite on `subject`. */
export function branchContract(subject: StoreUnderTest): void {
  let store: Store;
  let userId: string;
  before(async () => {
    store = await subject.fresh();
    userId = await newUser(store);
  });

  const history = async (chat: OwnedChat) => (await store.messages.list(chat.id, { order: 'asc', limit: 100 })).items;
  const found = async (q: string) =>
    (await store.chats.list(userId, { q, limit: 10 })).items.map(({ id }) => id).toSorted((a, b) => (a < b ? -1 : 1));

  function forkOf(chat: OwnedChat, changes: Partial<Fork> = {}): Fork {
    const limits = { messages: 100, text: 10_000, images: 10_000 };
    return { userId, chatId: chat.id, messageId: null, id: randomUUIDv7(), title: null, now: 900, limits, ...changes };
  }

  async function forked(fork: Fork): Promise<OwnedChat> {
    const outcome = await store.branches.fork(fork);
    assert.ok(outcome.kind === 'forked', outcome.kind);
    return outcome.chat;
  }

  /** A chat with three answered questions, the first with an image. */
  async function talk(word: string): Promise<OwnedChat> {
    const chat = await newChat(store, userId, `about ${word}`);
    for (const [index, content] of [`${word}one`, `${word}two`, `${word}three`].entries()) {
      const turn = await accepted(store, ask(chat, { content, attachments: index === 0 ? [IMAGE] : [] }));
      await store.turns.end(endOf(turn));
    }
    return chat;
  }

  describe('forking', () => {
    it('copies all of the history under new ids; the original stays', async () => {
      const chat = await talk('fig');
      const before = await history(chat);
      const copy = await forked(forkOf(chat));
      const after = await history(copy);
      const told = (messages: typeof before) =>
        messages.map(({ seq, role, content, attachments, model, status, createdAt }) => ({
          ...{ seq, role, content, attachments, model, status, createdAt },
        }));
      assert.deepEqual(told(after), told(before));
      assert.deepEqual(await history(chat), before);
      const ids = [...before, ...after].map(({ id }) => id);
      assert.equal(new Set(ids).size, 12);
      for (const { id, turnId } of after)
        assert.match(`${id} ${turnId}`, new RegExp(`${UUID_V7.source.slice(0, -1)} `));
      assert.equal(new Set(after.map(({ turnId }) => turnId)).size, 3);
      assert.equal(after[0]?.turnId, after[1]?.turnId);
      assert.ok(!before.some(({ turnId }) => after.some((message) => message.turnId === turnId)));
      assert.deepEqual(
        [copy.title, copy.titleSource, copy.createdAt, copy.updatedAt, copy.contextVersion],
        ['about fig', 'user', 900, 900, 0],
      );
    });

    it('stops behind the message named, and goes on from there', async () => {
      const chat = await talk('plum');
      const cut = (await history(chat))[1];
      const copy = await forked(forkOf(chat, { messageId: cut?.id ?? '', title: 'another way' }));
      assert.deepEqual([copy.title, copy.titleSource], ['another way', 'user']);
      assert.deepEqual(
        (await history(copy)).map(({ content }) => content),
        ['plumone', 'an answer'],
      );
      const turn = await accepted(store, ask(copy, { content: 'and on' }));
      assert.equal((await store.messages.context(copy.id, turn.answerSeq - 1)).length, 2);
      assert.ok(await store.turns.end(endOf(turn)));
      assert.equal((await history(copy)).length, 4);
      assert.equal((await history(chat)).length, 6);
    });

    it('finds the copied words in both, and only those of the original when the copy is gone', async () => {
      const chat = await talk('quince');
      const cut = (await history(chat))[2];
      const copy = await forked(forkOf(chat, { messageId: cut?.id ?? '' }));
      assert.deepEqual(await found('quincetwo'), [chat.id, copy.id].toSorted());
      assert.deepEqual(await found('quincethree'), [chat.id]);
      assert.deepEqual(await found('about quince'), [chat.id, copy.id].toSorted());
      assert.ok(await store.chats.delete(userId, copy.id));
      assert.deepEqual(await found('quincetwo'), [chat.id]);
      assert.equal((await history(chat))[0]?.attachments.length, 1);
    });

    it('is refused for what is not there, is not theirs, or is too long; nothing is made', async () => {
      const chat = await talk('lime');
      const other = await talk('lemon');
      const stranger = await newUser(store);
      const chats = async () => (await store.chats.list(userId, { limit: 100 })).items.length;
      const before = await chats();
      const limits = { messages: 100, text: 10_000, images: 10_000 };
      const kind = async (changes: Partial<Fork>) => (await store.branches.fork(forkOf(chat, changes))).kind;
      assert.equal(await kind({ userId: stranger }), 'chat_gone');
      assert.equal(await kind({ chatId: 'nowhere' }), 'chat_gone');
      assert.equal(await kind({ messageId: (await history(other))[0]?.id ?? '' }), 'message_gone');
      assert.equal(await kind({ limits: { ...limits, messages: 5 } }), 'too_long');
      assert.equal(await kind({ limits: { ...limits, text: 10 } }), 'too_long');
      assert.equal(await kind({ limits: { ...limits, images: 11 } }), 'too_long');
      assert.equal(await chats(), before);
    });

    it('of an empty chat is an empty chat', async () => {
      const copy = await forked(forkOf(await newChat(store, userId)));
      assert.deepEqual(await history(copy), []);
      assert.equal((await accepted(store, ask(copy))).answerSeq, 2);
    });
  });

  describe('importing', () => {
    const chatOf = (count: number): ImportedChat => ({
      ...{ id: randomUUIDv7(), userId, title: 'brought along', model: null, systemPrompt: 'be kind' },
      ...{ createdAt: 5, now: 700 },
      messages: Array.from({ length: count }, (_, index) => ({
        id: randomUUIDv7(),
        turnId: randomUUIDv7(),
        role: index % 2 === 0 ? ('user' as const) : ('assistant' as const),
        content: `persimmon${index} \0`,
        attachments: index === 0 ? [IMAGE] : [],
        model: null,
        status: 'complete' as const,
        createdAt: 6 + index,
      })),
    });

    it('stores the messages in order, findable, and goes on behind them', async () => {
      const chat = chatOf(1_200);
      const created = await store.branches.import(chat);
      assert.deepEqual([created.createdAt, created.updatedAt, created.systemPrompt], [5, 700, 'be kind']);
      const first = await history(created);
      assert.deepEqual(first[0], { ...chat.messages[0], chatId: chat.id, seq: 1, content: 'persimmon0 \ufffd' });
      assert.deepEqual(await found('persimmon1199'), [chat.id]);
      const turn = await accepted(store, ask(created));
      assert.equal(turn.answerSeq, 1_202);
    });

    it('makes nothing for a person who is gone', async () => {
      const chat = { ...chatOf(1), userId: '424242424242' };
      await assert.rejects(store.branches.import(chat), { code: 'unauthenticated' });
    });
  });
}
