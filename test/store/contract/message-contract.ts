/** History. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { MessageRecord } from '../../../src/store/records.ts';
import type { OwnedChat, Store } from '../../../src/store/store.ts';
import { accepted, ask, endOf, newChat, newUser, type StoreUnderTest } from './fixtures.ts';

/** Registers the tests. */
export function messageContract({ fresh }: StoreUnderTest): void {
  describe('history', () => {
    let store: Store;
    let chat: OwnedChat;
    before(async () => {
      store = await fresh();
      chat = await newChat(store, await newUser(store));
      for (let index = 0; index < 4; index += 1) {
        const turn = await accepted(store, ask(chat, { content: `question ${index}` }));
        await store.turns.end(endOf(turn));
      }
    });

    it('reads question, answer, question, answer, in both orders and at every page size', async () => {
      for (const limit of [1, 2, 3, 7, 8, 9]) {
        const ascending = await pages(store, chat.id, 'asc', limit);
        assert.deepEqual(
          ascending.map((message) => message.role),
          Array.from({ length: 8 }, (_, index) => (index % 2 ? 'assistant' : 'user')),
        );
        assert.deepEqual(
          ascending.filter((message) => message.role === 'user').map((message) => message.content),
          ['question 0', 'question 1', 'question 2', 'question 3'],
        );
        assert.deepEqual(await pages(store, chat.id, 'desc', limit), ascending.toReversed());
      }
    });

    it('finds one message of a chat, not of another chat', async () => {
      const { items } = await store.messages.list(chat.id, { order: 'desc', limit: 1 });
      const [last] = items;
      assert.ok(last);
      assert.deepEqual(await store.messages.find(chat.id, last.id), last);
      const other = await newChat(store, chat.userId);
      assert.equal(await store.messages.find(other.id, last.id), null);
    });

    it('begins beside the place of any message, in both orders', async () => {
      const all = await pages(store, chat.id, 'asc', 100);
      for (const [at, { id }] of all.entries()) {
        const place = (await store.messages.find(chat.id, id))?.seq ?? Number.NaN;
        const after = await store.messages.list(chat.id, { order: 'asc', after: place - 1, limit: 3 });
        const before = await store.messages.list(chat.id, { order: 'desc', after: place + 1, limit: 3 });
        assert.deepEqual(after.items, all.slice(at, at + 3));
        assert.deepEqual(
          before.items,
          all
            .slice(0, at + 1)
            .reverse()
            .slice(0, 3),
        );
        assert.deepEqual([after.next === null, before.next === null], [at + 3 >= all.length, at < 3]);
      }
    });

    it('gives the context before a place, oldest first, the newest part of it when it is long', async () => {
      const context = await store.messages.context(chat.id, 7);
      assert.deepEqual(
        context.map((message) => message.seq),
        [1, 2, 3, 4, 5, 6],
      );
      assert.deepEqual(
        (await store.messages.context(chat.id, 7, 2)).map((message) => message.seq),
        [5, 6],
      );
    });

    it('keeps attachments with their message, in order', async () => {
      const pictures = await newChat(store, chat.userId);
      const image = (data: string, name: string | null) => ({
        type: 'image' as const,
        mimeType: 'image/png',
        data,
        name,
      });
      const sent = [[image('bbbb', 'b.png'), image('aaaa', null)], [], [image('cccc', 'c.png')]];
      for (const attachments of sent) {
        const outcome = await store.turns.accept(ask(pictures, { attachments }));
        assert.equal(outcome.kind, 'accepted');
        assert.ok('message' in outcome);
        assert.deepEqual(outcome.message, await store.messages.find(pictures.id, outcome.message.id));
        await store.turns.end(endOf(outcome.turn, { message: null }));
      }
      const { items } = await store.messages.list(pictures.id, { order: 'asc', limit: 10 });
      assert.deepEqual(
        items.map((message) => message.attachments),
        sent,
      );
    });

    it('keeps any text, with U+FFFD for what no engine can hold', async () => {
      const strange = await newChat(store, chat.userId);
      const content = `"quotes" \\ %s $1 ? 👩‍👩‍👧 \u202e \r\n\t`;
      const turn = await accepted(store, ask(strange, { content: `${content}\0\ud800` }));
      await store.turns.end(endOf(turn, { message: null }));
      const { items } = await store.messages.list(strange.id, { order: 'asc', limit: 10 });
      assert.equal(items[0]?.content, `${content}\ufffd\ufffd`);
    });

    it('an empty chat has an empty page', async () => {
      const empty = await newChat(store, chat.userId);
      assert.deepEqual(await store.messages.list(empty.id, { order: 'asc', limit: 5 }), { items: [], next: null });
    });
  });
}

async function pages(store: Store, chatId: string, order: 'asc' | 'desc', limit: number): Promise<MessageRecord[]> {
  const all: MessageRecord[] = [];
  let after: number | null = null;
  do {
    const options: { order: 'asc' | 'desc'; limit: number } = { order, limit };
    const page: { items: MessageRecord[]; next: number | null } = await store.messages.list(
      chatId,
      after === null ? options : { ...options, after },
    );
    assert.ok(page.items.length <= limit);
    all.push(...page.items);
    after = page.next;
  } while (after !== null);
  return all;
}
