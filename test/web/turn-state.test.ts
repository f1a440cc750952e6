import assert from 'node:assert/strict';
import { test } from 'node:test';
import { afterFrame, NEW_TURN, type TurnState } from '../../src/web/page/model/turn-state.ts';

function play(frames: readonly (readonly [string, unknown])[]): TurnState {
  return frames.reduce(
    (state, [event, data], index) => afterFrame(state, { id: String(index + 1), event, data: JSON.stringify(data) }),
    NEW_TURN,
  );
}

test('the deltas since the last reset are the answer', () => {
  const state = play([
    ['turn.started', { turn: { id: 't', status: 'running' } }],
    ['message.delta', { text: 'first try' }],
    ['message.reset', {}],
    ['message.delta', { text: 'second ' }],
    ['message.delta', { text: 'try' }],
  ]);
  assert.equal(state.text, 'second try');
  assert.equal(state.phase, 'answering');
  assert.equal(state.lastEventId, '5');
});

test('what happens before words come has a name each', () => {
  assert.equal(play([]).phase, 'queued');
  assert.equal(play([['turn.started', { turn: {} }]]).phase, 'waking');
  assert.equal(play([['reasoning.delta', { text: 'hm' }]]).phase, 'thinking');
  const working = play([['tool.started', { toolCallId: '1', name: 'search' }]]);
  assert.deepEqual([working.phase, working.tool], ['working', 'search']);
});

for (const event of ['turn.completed', 'turn.failed', 'turn.cancelled', 'turn.interrupted']) {
  test(`${event} is the end`, () => {
    const turn = { id: 't', status: event.slice(5), error: event === 'turn.failed' ? { code: 'x' } : null };
    const state = play([[event, { turn, error: turn.error }]]);
    assert.equal(state.phase, 'ended');
    assert.deepEqual(state.error, turn.error);
  });
}

test('an event of a newer gateway changes nothing but the place', () => {
  const state = play([['something.new', { a: 1 }]]);
  assert.deepEqual({ ...state, lastEventId: null }, NEW_TURN);
  assert.equal(state.lastEventId, '1');
});
