import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChatView } from '../../src/web/page/api/shapes.ts';
import { inSections, newerChat, together, withChat } from '../../src/web/page/model/chat-order.ts';

function chat(id: string, updatedAt: Date, more: Partial<ChatView> = {}): ChatView {
  const time = updatedAt.toISOString();
  const flags = { pinned: false, archived: false };
  return {
    id,
    sessionId: id,
    title: id,
    model: null,
    systemPrompt: null,
    ...flags,
    createdAt: time,
    updatedAt: time,
    ...more,
  };
}

test('chats stand under the day of their last activity, pinned ones first', () => {
  const noon = new Date(2026, 5, 15, 12);
  const daysAgo = (days: number) => new Date(2026, 5, 15 - days, 11);
  const sections = inSections(
    [
      chat('now', noon),
      chat('yesterday', daysAgo(1)),
      chat('kept', daysAgo(400), { pinned: true }),
      chat('week', daysAgo(6)),
      chat('month', daysAgo(20)),
      chat('old', daysAgo(90)),
    ],
    noon.getTime(),
  );
  assert.deepEqual(
    sections.map(({ age, chats }) => [age, ...chats.map(({ id }) => id)]),
    [
      ['pinned', 'kept'],
      ['today', 'now'],
      ['yesterday', 'yesterday'],
      ['week', 'week'],
      ['month', 'month'],
      ['older', 'old'],
    ],
  );
});

test('a chat with new activity comes to the top, once', () => {
  const [a, b] = [chat('a', new Date(1000)), chat('b', new Date(2000))];
  assert.deepEqual(
    withChat([b, a], chat('a', new Date(3000))).map(({ id }) => id),
    ['a', 'b'],
  );
});

test('of a chat that several lists have the newest word counts', () => {
  const pinned = chat('a', new Date(1000), { pinned: true });
  const unpinned = chat('a', new Date(3000));
  const b = chat('b', new Date(2000));
  assert.deepEqual(together([pinned], [unpinned, b]), [unpinned, b]);
  assert.deepEqual(together([unpinned], [b], [pinned]), [unpinned, b]);
});

test('a late answer does not undo what was told meanwhile', () => {
  const known = chat('a', new Date(2000), { title: 'Lighthouses' });
  assert.equal(newerChat(known, chat('a', new Date(1000), { title: null })), known);
  assert.equal(newerChat(known, chat('a', new Date(2000), { title: null })).title, 'Lighthouses');
  assert.equal(newerChat(known, chat('a', new Date(3000), { title: 'Other' })).title, 'Other');
});
