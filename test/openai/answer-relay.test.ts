import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AnswerRelay, type RelayOptions } from '../../src/openai/answer-relay.ts';

const RESET = Symbol('reset');

/** What a client gets, piece by piece, of what the model says. */
function relay(said: readonly (string | typeof RESET)[], options: Partial<RelayOptions> = {}) {
  const it = new AnswerRelay({ stop: [], maxTokens: null, revocable: false, ...options });
  const sent: string[] = [];
  for (const piece of said) {
    if (piece === RESET) it.reset();
    else sent.push(it.add(piece));
  }
  sent.push(it.end());
  return { sent: sent.filter((text) => text !== ''), cut: it.cut, text: it.text };
}

describe('an answer on its way', () => {
  it('is sent as it comes', () => {
    assert.deepEqual(relay(['Hello ', 'world']), { sent: ['Hello ', 'world'], cut: null, text: 'Hello world' });
  });

  it('ends before a stop sequence, even one that comes in pieces', () => {
    assert.deepEqual(relay(['one', ' EN', 'D two'], { stop: ['END'] }), {
      sent: ['one', ' '],
      cut: 'stop',
      text: 'one ',
    });
  });

  it('ends before whichever stop sequence comes first', () => {
    assert.equal(relay(['a;b.c'], { stop: ['.', ';'] }).text, 'a');
  });

  it('is not held back for what only looked like a stop sequence', () => {
    assert.deepEqual(relay(['x EN', 'OUGH'], { stop: ['END'] }).sent, ['x ', 'ENOUGH']);
    assert.deepEqual(relay(['aaab'], { stop: ['aab'] }), { sent: ['a'], cut: 'stop', text: 'a' });
    assert.deepEqual(relay(['the end: EN'], { stop: ['END'] }).sent, ['the end: ', 'EN']);
  });

  it('is cut when it is surely longer than the limit, never within a character', () => {
    assert.deepEqual(relay(['123456789'], { maxTokens: 1 }), { sent: ['123456'], cut: 'length', text: '123456' });
    assert.equal(relay(['12345€'], { maxTokens: 1 }).text, '12345');
    assert.equal(relay(['123😀'], { maxTokens: 1 }).text, '123');
    assert.deepEqual(relay(['123456'], { maxTokens: 1 }).cut, null);
  });

  it('that begins anew before anything was sent goes on silently', () => {
    assert.deepEqual(relay([RESET, 'new']), { sent: ['new'], cut: null, text: 'new' });
  });

  it('that begins anew with the same words goes on where it was', () => {
    assert.deepEqual(relay(['one ', 'two ', RESET, 'one', ' two th', 'ree']).sent, ['one ', 'two ', 'th', 'ree']);
    assert.equal(relay(['one ', RESET, 'one ', 'two', RESET, 'one two three']).text, 'one two three');
  });

  it('that begins anew with other words is an error: a stream cannot take back', () => {
    assert.throws(() => relay(['one ', RESET, 'two']), { code: 'upstream_failed' });
  });

  it('that begins anew and says less is an error, unless only white space is missing', () => {
    assert.throws(() => relay(['one two', RESET, 'one']), { code: 'upstream_failed' });
    assert.equal(relay(['one \n', RESET, 'one']).text, 'one \n');
  });

  it('in one piece is only the last attempt', () => {
    assert.equal(relay(['one ', RESET, 'two'], { revocable: true }).text, 'two');
  });
});
