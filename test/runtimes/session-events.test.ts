import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SessionEvent } from '@github/copilot-sdk';
import type { RuntimeEvent } from '../../src/runtimes/runtime-port.ts';
import { answerOf, beginTurn, endTurn, reduceEvent, titleOf } from '../../src/runtimes/session-events.ts';
import { answerIn } from '../support/runtime-settings.ts';

/** Events as the runtime sends them, in short. */
const event = (type: string, data: object, more: object = {}): SessionEvent =>
  ({ type, data, id: 'e', timestamp: '2026-01-01T00:00:00Z', parentId: null, ...more }) as unknown as SessionEvent;
const delta = (messageId: string, deltaContent: string, more = {}) =>
  event('assistant.message_delta', { messageId, deltaContent }, more);
const message = (messageId: string, content: string, apiCallId?: string) =>
  event('assistant.message', { messageId, content, toolRequests: [], ...(apiCallId && { apiCallId }) });
const failure = (statusCode?: number) => event('model.call_failure', { source: 'top_level', statusCode });

function play(events: SessionEvent[], wantsTitle = false) {
  let state = beginTurn(wantsTitle);
  const out: RuntimeEvent[] = [];
  for (const one of events) {
    const step = reduceEvent(state, one);
    state = step.state;
    out.push(...step.out);
  }
  return { state, out, answer: answerIn(out) };
}

test('deltas are the answer, and the final message adds what they lack', () => {
  const { answer, state } = play([delta('m', 'Hel'), delta('m', 'lo'), message('m', 'Hello, you')]);
  assert.equal(answer, 'Hello, you');
  assert.equal(answerOf(state), answer);
});

test('a final message without deltas is the answer', () => {
  assert.equal(play([message('m', 'All at once')]).answer, 'All at once');
});

test('a final message that says otherwise withdraws what was streamed', () => {
  const { out, answer, state } = play([delta('m', 'Hullo'), message('m', 'Hello')]);
  assert.deepEqual(
    out.map(({ type }) => type),
    ['text', 'reset', 'text'],
  );
  assert.equal(answer, 'Hello');
  assert.equal(answerOf(state), answer);
});

test('a failed attempt’s text is withdrawn when the retry speaks, not before', () => {
  const broken = play([delta('a', 'w1 '), failure()]);
  assert.equal(broken.answer, 'w1 ', 'if no retry speaks, the part that was said stays');
  const { out, answer } = play([
    delta('a', 'w1 '),
    failure(),
    delta('b', 'w1 '),
    delta('b', 'w2'),
    message('b', 'w1 w2'),
  ]);
  assert.deepEqual(
    out.map(({ type }) => type),
    ['text', 'retrying', 'reset', 'text', 'text'],
  );
  assert.equal(answer, 'w1 w2');
});

test('an answer cut by its length is joined without a gap, and survives a failed second half', () => {
  const joined = play([delta('a', 'w1 w2 '), delta('b', 'w3'), message('b', 'w3')]);
  assert.equal(joined.answer, 'w1 w2 w3');
  const retried = play([delta('a', 'w1 '), delta('b', 'w2'), failure(), delta('c', 'w2 w3'), message('c', 'w2 w3')]);
  assert.equal(retried.answer, 'w1 w2 w3');
  assert.equal(answerOf(retried.state), retried.answer);
});

test('pieces of one model call join; another message stands apart', () => {
  const pieces = play([message('a', 'one ', 'call'), message('b', 'two', 'call'), message('c', 'three', 'other')]);
  assert.equal(pieces.answer, 'one two\n\nthree');
  assert.equal(answerOf(pieces.state), pieces.answer);
});

test('what a sub-agent says, and event types nobody knows, are not the answer', () => {
  const { out } = play([delta('m', 'inner', { agentId: 'agent' }), event('model.messages_snapshot', {})]);
  assert.deepEqual(out, []);
});

test('usage is told in our words, and a content filter remembered', () => {
  const { out, state } = play([
    event('assistant.usage', { model: 'm', inputTokens: 3, outputTokens: 2, cacheReadTokens: 1, cost: 0.33 }),
    event('assistant.usage', { contentFilterTriggered: true }),
  ]);
  assert.deepEqual(out[0], {
    type: 'usage',
    usage: { model: 'm', inputTokens: 3, outputTokens: 2, cachedTokens: 1, cost: 0.33, timeToFirstTokenMs: null },
  });
  assert.equal(state.filtered, true);
});

test('an error keeps what the attempt before it knew', () => {
  const { state } = play([failure(429), event('session.error', { errorType: 'rate_limit', message: 'in 1 hour' })]);
  assert.deepEqual(state.failure, {
    type: 'rate_limit',
    status: 429,
    code: null,
    message: 'in 1 hour',
    retryAfter: null,
  });
  const told = reduceEvent(state, event('auto_mode_switch.requested', { requestId: 'r', retryAfterSeconds: 90 }));
  assert.equal(told.state.failure?.retryAfter, 90);
});

test('a save that fails on the way may still succeed; after the answer it is the end', () => {
  const unsaved = event('session.error', { errorType: 'persistence', message: 'disk full' });
  const saved = play([unsaved, event('assistant.idle', {}), event('session.idle', {})]);
  assert.equal(saved.state.failure, null);
  const lost = play([unsaved, event('assistant.idle', {}), unsaved]);
  assert.equal(lost.state.failure?.type, 'persistence');
  assert.equal(lost.state.idle, true, 'no idle follows it');
});

test('tools are told with the name they began with', () => {
  const { out } = play([
    event('tool.execution_start', { toolCallId: 't', toolName: 'search' }),
    event('tool.execution_complete', { toolCallId: 't', success: true }),
  ]);
  assert.deepEqual(out, [
    { type: 'tool.started', toolCallId: 't', name: 'search' },
    { type: 'tool.completed', toolCallId: 't', name: 'search', success: true },
  ]);
});

test('only the first prompt of a chat makes a title, once, on one line', () => {
  const renamed = event('session.title_changed', { title: '  Plan\n the   trip ' });
  const first = play([renamed, renamed], true);
  assert.deepEqual(first.out, [{ type: 'title', title: 'Plan the trip' }]);
  assert.deepEqual(endTurn(first.state, 'Plan the trip'), []);
  assert.deepEqual(endTurn(play([], true).state, 'Late title'), [{ type: 'title', title: 'Late title' }]);
  assert.deepEqual(play([renamed]).out, []);
  const long = titleOf('word '.repeat(40));
  assert.ok(long.length <= 61 && long.endsWith('word…'), long);
});
