import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MessageView } from '../../src/web/page/api/shapes.ts';
import {
  groupByTurn,
  pendingId,
  unexplained,
  withMessage,
  withNewest,
  withOlder,
} from '../../src/web/page/model/message-order.ts';
import { groupsBefore, regenerationOf } from '../../src/web/page/model/retake.ts';

function message(id: string, turnId: string, role: 'user' | 'assistant', more: Partial<MessageView> = {}): MessageView {
  return {
    ...{ id, turnId, role, chatId: 'c', content: id, attachments: [], model: null, status: 'complete' },
    createdAt: '2026-01-01T00:00:00.000Z',
    ...more,
  };
}

const q1 = message('q1', 't1', 'user');
const a1 = message('a1', 't1', 'assistant');
const q2 = message('q2', 't2', 'user');
const a2 = message('a2', 't2', 'assistant');
const ids = (messages: readonly MessageView[] | null) => messages?.map(({ id }) => id);

test('pages and events come together without a double', () => {
  assert.deepEqual(ids(withNewest([q1, a1], [a1, q2, a2])), ['q1', 'a1', 'q2', 'a2']);
  assert.deepEqual(ids(withOlder([a1, q2], [q1, a1])), ['q1', 'a1', 'q2']);
  assert.deepEqual(ids(withMessage([q1, a1], a1)), ['q1', 'a1']);
});

test('a gap between what is known and what is new is noticed', () => {
  assert.equal(withNewest([q1, a1], [q2, a2]), null);
  assert.deepEqual(ids(withNewest([], [q2, a2])), ['q2', 'a2']);
});

test('what was replaced in another tab goes; what came since the page was asked for stays', () => {
  const before = new Set(['q1', 'a1', 'q2', 'a2']);
  const again = message('a3', 't3', 'assistant');
  const asked = message('q2', 't3', 'user');
  assert.deepEqual(ids(withNewest([q1, a1, q2, a2], [q1, a1, asked, again], before)), ['q1', 'a1', 'q2', 'a3']);
  assert.deepEqual(ids(withNewest([q1, a1, q2, a2], [q1, a1], new Set(['q1', 'a1', 'q2']))), ['q1', 'a1', 'a2']);
  assert.equal(withNewest([q1, a1, q2, a2], [message('q4', 't4', 'user')], before), null);
});

test('a question that was just sent becomes the stored one, wherever that is heard first', () => {
  const pending = message(pendingId('t2'), 't2', 'user');
  assert.deepEqual(ids(withNewest([q1, a1, pending], [q1, a1, q2])), ['q1', 'a1', 'q2']);
  assert.deepEqual(ids(withMessage([q1, a1, pending], q2)), ['q1', 'a1', 'q2']);
  assert.deepEqual(ids(withNewest([pending], [q1, a1])), ['q1', 'a1', pendingId('t2')]);
});

test('an answer stands under its question even when another question was asked in between', () => {
  const groups = groupByTurn([q1, q2, a1, a2], new Map(), []);
  assert.deepEqual(
    groups.map(({ questions, answer }) => [ids(questions), answer?.id]),
    [
      [['q1'], 'a1'],
      [['q2'], 'a2'],
    ],
  );
});

test('a turn keeps the key it was sent under, and its object as long as nothing of it changes', () => {
  const before = groupByTurn([q1, a1, q2], new Map([['t2', 'sent-2']]), []);
  const after = groupByTurn([q1, a1, q2, a2], new Map([['t2', 'sent-2']]), before);
  assert.equal(after[0], before[0]);
  assert.notEqual(after[1], before[1]);
  assert.equal(after[1]?.key, 'sent-2');
});

test('only turns without a whole answer need to be asked about, newest first', () => {
  const partial = message('a2', 't2', 'assistant', { status: 'partial' });
  const q3 = message('q3', 't3', 'user');
  assert.deepEqual(unexplained(groupByTurn([q1, a1, q2, partial, q3], new Map(), [])), ['t3', 't2']);
});

test('another answer is asked for of the last question; what stands before it stays', () => {
  const joined = message('q1b', 't1', 'user');
  const groups = groupByTurn([q1, joined, a1, q2, a2], new Map(), []);
  const again = groups[0] === undefined ? null : regenerationOf(groups[0]);
  assert.deepEqual(again?.retake, { kind: 'regenerate', questionId: 'q1b', answerId: 'a1' });
  const shown = (id: string) => groupsBefore(groups, id).map(({ questions, answer }) => [ids(questions), answer?.id]);
  assert.deepEqual(shown('q2'), [[['q1', 'q1b'], 'a1']]);
  assert.deepEqual(shown('q1b'), [[['q1'], undefined]]);
  assert.deepEqual(shown('q1'), []);
});
