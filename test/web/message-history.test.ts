import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MessageView } from '../../src/web/page/api/shapes.ts';
import { MessageHistory } from '../../src/web/page/model/message-history.ts';

const never = new AbortController().signal;

/** A chat of `turns` turns at the gateway, which answers by pages, newest first. */
function chatOf(turns: number) {
  const stored: MessageView[] = Array.from({ length: turns }, (_, index) => [
    message(index + 1, 'user'),
    message(index + 1, 'assistant'),
  ]).flat();
  let asked = 0;
  const messages = async (_chatId: string, cursor: string | null, limit: number) => {
    asked += 1;
    const end = cursor === null ? stored.length : Number(cursor);
    const start = Math.max(0, end - limit);
    return { items: stored.slice(start, end).toReversed(), nextCursor: start === 0 ? null : String(start) };
  };
  return { stored, api: { messages }, asked: () => asked };
}

function message(turn: number, role: 'user' | 'assistant'): MessageView {
  return {
    ...{ id: `${role === 'user' ? 'q' : 'a'}${turn}`, turnId: `t${turn}`, role, chatId: 'c', content: '' },
    ...{ attachments: [], model: null, status: 'complete', createdAt: '2026-01-01T00:00:00.000Z' },
  };
}

async function opened(turns: number) {
  const chat = chatOf(turns);
  const history = new MessageHistory('c', chat.api);
  history.takeNewest(await history.readNewest(never));
  return { ...chat, history };
}

const shown = (history: MessageHistory) => history.groups.map(({ turnId }) => Number(turnId.slice(1)));
const upTo = (last: number, count: number) => Array.from({ length: count }, (_, index) => last - count + 1 + index);

test('a long chat shows its end first, then a few more at a time, each turn once and in order', async () => {
  const { history, asked } = await opened(50);
  assert.deepEqual(shown(history), upTo(50, 6));
  assert.equal(asked(), 1);
  await history.readOlder(never);
  assert.deepEqual(shown(history), upTo(50, 10));
  assert.equal(asked(), 1, 'what was read is shown before more is asked for');
  for (let before = 10; history.hasOlder; before = history.groups.length) {
    await history.readOlder(never);
    const more = history.groups.length - before;
    assert.ok(more > 0 && more <= 5, `${more} more at once`);
  }
  assert.deepEqual(shown(history), upTo(50, 50));
});

test('a short chat is shown whole', async () => {
  const { history } = await opened(3);
  assert.deepEqual([shown(history), history.hasOlder], [[1, 2, 3], false]);
});

test('what is read again does not bring what waits above out of order', async () => {
  const { history, stored } = await opened(50);
  stored.push(message(51, 'user'), message(51, 'assistant'));
  history.takeNewest(await history.readNewest(never));
  assert.deepEqual(shown(history), upTo(51, 7));
  while (history.hasOlder) await history.readOlder(never);
  assert.deepEqual(shown(history), upTo(51, 51));
});

test('when all that is shown is taken away, what waits above can still be shown', async () => {
  const { history } = await opened(20);
  history.dropFrom('q15');
  assert.deepEqual([shown(history), history.hasOlder], [[], true]);
  await history.readOlder(never);
  assert.deepEqual(shown(history), upTo(14, 4));
});

test('turns without an answer are told of before they are in sight', async () => {
  const { stored, api } = chatOf(12);
  stored.splice(5, 1);
  const history = new MessageHistory('c', api);
  history.takeNewest(await history.readNewest(never));
  assert.ok(!shown(history).includes(3));
  assert.deepEqual(history.unexplained(), ['t3']);
  assert.deepEqual([history.shows('q3'), history.shows('a12')], [false, true]);
});
