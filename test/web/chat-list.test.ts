import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GatewayApi } from '../../src/web/page/api/gateway-api.ts';
import type { ChatView } from '../../src/web/page/api/shapes.ts';
import { ChatList } from '../../src/web/page/model/chat-list.ts';

function chat(id: string, time: number, more: Partial<ChatView> = {}): ChatView {
  const at = new Date(time).toISOString();
  const flags = { pinned: false, archived: false };
  return {
    id,
    sessionId: id,
    title: id,
    model: null,
    systemPrompt: null,
    ...flags,
    createdAt: at,
    updatedAt: at,
    ...more,
  };
}

/** The list of someone with these chats at the gateway; `meanwhile` happens when their first page was read there. */
function listOf(stored: readonly ChatView[], meanwhile: (list: ChatList) => void = () => undefined) {
  const asked: boolean[] = [];
  const chats: GatewayApi['chats'] = async ({ archived, pinned }, cursor, limit) => {
    asked.push(pinned === true);
    const all = stored
      .filter((one) => one.archived === archived && (pinned === undefined || one.pinned === pinned))
      .toSorted((a, b) => b.updatedAt.localeCompare(a.updatedAt));
    const start = Number(cursor ?? 0);
    if (asked.length === 1) meanwhile(list);
    return {
      items: all.slice(start, start + limit),
      nextCursor: all.length > start + limit ? String(start + limit) : null,
    };
  };
  const list = new ChatList({ chats } as GatewayApi);
  const pinned = () => list.items.filter((one) => one.pinned).map(({ id }) => id);
  return { list, asked, pinned };
}

const many = (count: number, from: number, more: Partial<ChatView> = {}) =>
  Array.from({ length: count }, (_, index) => chat(`${from + index}`, from + index, more));

test('every pinned chat is there at once, however old, and further pages do not ask for them again', async () => {
  const { list, pinned, asked } = listOf([...many(130, 1000, { pinned: true }), ...many(90, 5000)]);
  await list.refresh();
  assert.equal(pinned().length, 130);
  assert.equal(list.items.length, 170);
  assert.equal(asked.filter(Boolean).length, 2);
  await list.loadMore();
  await list.loadMore();
  assert.equal(list.items.length, 220);
  assert.equal(asked.filter(Boolean).length, 2);
});

test('the archive has pinned ones of its own', async () => {
  const { list, pinned } = listOf([chat('a', 1, { pinned: true }), chat('b', 2, { pinned: true, archived: true })]);
  await list.refresh();
  assert.deepEqual(pinned(), ['a']);
  list.showArchived(true);
  await list.refresh();
  assert.deepEqual(pinned(), ['b']);
});

test('what is told while the list is read counts, not what was read before it', async () => {
  const stored = [
    chat('kept', 1, { pinned: true }),
    chat('gone', 2, { pinned: true }),
    chat('loose', 3, { pinned: true }),
  ];
  const { list, pinned } = listOf(stored, (mine) => {
    mine.hear({ event: 'chat.deleted', data: { id: 'gone' } });
    mine.hear({ event: 'chat.updated', data: { chat: chat('loose', 9) } });
    mine.hear({ event: 'chat.created', data: { chat: chat('new', 8, { pinned: true }) } });
  });
  await list.refresh();
  assert.deepEqual(pinned(), ['new', 'kept']);
  assert.deepEqual(
    list.items.map(({ id }) => id),
    ['loose', 'new', 'kept'],
  );
});
