/** Pages of history are sent again as long as nothing changed, and not a moment longer. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HistoryPages } from '../../src/chats/history-pages.ts';
import type { MessageRecord } from '../../src/store/records.ts';
import type { OwnedChat } from '../../src/store/store.ts';

const FIRST = { order: 'asc', limit: 25, cursor: null, from: null } as const;

function chatOf(id: string, historyVersion: number, updatedAt = 5): OwnedChat {
  return { id, historyVersion, updatedAt } as unknown as OwnedChat;
}

/** Pages over a store that counts how often it is read, each message `size` bytes long. */
function pagesOver(size = 10) {
  const reads: string[] = [];
  const pages = new HistoryPages({
    list: async (chatId, { order, limit, after }) => {
      reads.push([chatId, order, limit, after ?? ''].join(' '));
      const message = { id: `${reads.length}`, chatId, content: 'x'.repeat(size), attachments: [], createdAt: 0 };
      return { items: [message as unknown as MessageRecord], next: null };
    },
    find: async (_chatId, id) => (/^\d+$/.test(id) ? ({ id, seq: Number(id) } as unknown as MessageRecord) : null),
  });
  return { pages, reads };
}

describe('A page of history', () => {
  it('is read once while its chat stands still', async () => {
    const { pages, reads } = pagesOver();
    const page = await pages.page(chatOf('a', 1), FIRST);
    assert.equal(JSON.parse(page.toString()).items[0].createdAt, '1970-01-01T00:00:00.000Z');
    assert.deepEqual(await pages.page(chatOf('a', 1), FIRST), page);
    assert.deepEqual(reads, ['a asc 25 ']);
  });

  it('is read anew when the history or, by an instance that does not count, the chat has changed', async () => {
    const { pages, reads } = pagesOver();
    await pages.page(chatOf('a', 1, 5), FIRST);
    await pages.page(chatOf('a', 2, 5), FIRST);
    await pages.page(chatOf('a', 2, 6), FIRST);
    assert.equal(reads.length, 3);
  });

  it('is its own for every chat, order, size and place', async () => {
    const { pages, reads } = pagesOver();
    const cursor = Buffer.from('7').toString('base64url');
    for (const query of [FIRST, { ...FIRST, order: 'desc' }, { ...FIRST, limit: 1 }, { ...FIRST, cursor }] as const)
      for (const id of ['a', 'b']) await pages.page(chatOf(id, 1), query);
    assert.equal(new Set(reads).size, 8);
    await assert.rejects(pages.page(chatOf('a', 1), { ...FIRST, cursor: 'nonsense!' }), { code: 'validation_failed' });
  });

  it('that begins with a message is its own too, and never another’s where that one was replaced meanwhile', async () => {
    const { pages, reads } = pagesOver();
    const from = async (message: string, order: 'asc' | 'desc') =>
      JSON.parse((await pages.page(chatOf('a', 1), { ...FIRST, order, from: message })).toString()).items[0].id;
    assert.deepEqual([await from('1', 'asc'), await from('2', 'desc')], ['1', '2']);
    assert.deepEqual(reads, ['a asc 25 0', 'a desc 25 3']);
    assert.equal(await from('1', 'asc'), '1');
    assert.equal(reads.length, 2, 'kept');
    await assert.rejects(from('9', 'asc'), { code: 'not_found' }, 'message 3 came in its place');
    await assert.rejects(from('gone', 'asc'), { code: 'not_found' });
    const both = { ...FIRST, from: '1', cursor: Buffer.from('7').toString('base64url') };
    await assert.rejects(pages.page(chatOf('a', 1), both), { code: 'validation_failed' });
    const alike = { ...FIRST, cursor: Buffer.from('7').toString('base64url') };
    await pages.page(chatOf('a', 1), alike);
    await assert.rejects(pages.page(chatOf('a', 1), { ...FIRST, from: alike.cursor }), { code: 'not_found' });
  });

  it('that was not asked for the longest makes room; one that would take too much is not kept', async () => {
    const { pages, reads } = pagesOver(200_000);
    for (let n = 0; n < 100; n += 1) {
      await pages.page(chatOf(`chat ${n}`, 1), FIRST);
      await pages.page(chatOf('chat 0', 1), FIRST);
    }
    assert.equal(reads.length, 100, 'the one in use stays');
    await pages.page(chatOf('chat 1', 1), FIRST);
    assert.equal(reads.length, 101, 'the oldest went');
    const large = pagesOver(300_000);
    for (let n = 0; n < 2; n += 1) await large.pages.page(chatOf('a', 1), FIRST);
    assert.equal(large.reads.length, 2);
  });

  it('costs no more memory than is counted, however small it is', async () => {
    const { pages, reads } = pagesOver();
    const page = await pages.page(chatOf('chat 0', 1), FIRST);
    assert.equal(page.buffer.byteLength, page.length, 'it shares its memory with nobody');
    for (let n = 1; n <= 32_768; n += 1) await pages.page(chatOf(`chat ${n}`, 1), FIRST);
    const before = reads.length;
    await pages.page(chatOf('chat 0', 1), FIRST);
    assert.equal(reads.length, before + 1, 'what is kept beside the words is counted');
  });
});
