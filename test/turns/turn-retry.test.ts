/** When a background turn is tried again. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type FailedTry, retryDelay } from '../../src/turns/turn-retry.ts';

const FAILED: FailedTry = {
  background: true,
  silent: true,
  code: 'runtime_unavailable',
  retryAfter: undefined,
  tries: 1,
};

it('waits longer each time, and gives up', () => {
  const delays = [1, 2, 3, 4].map((tries) => retryDelay({ ...FAILED, tries }, 0));
  assert.deepEqual(delays, [1_000, 4_000, 16_000, null]);
});

it('waits as long as it was asked to, but not for minutes', () => {
  const asked = (retryAfter: number) => retryDelay({ ...FAILED, code: 'upstream_rate_limited', retryAfter }, 0);
  assert.deepEqual([asked(0), asked(7), asked(61)], [1_000, 7_000, null]);
});

it('brings those that failed together back apart', () => {
  assert.equal(retryDelay(FAILED, 0.8), 1_200);
});

it('repeats nothing that was seen, that somebody waits for, or that would fail again', () => {
  for (const hopeless of [
    { silent: false },
    { background: false },
    { code: 'quota_exceeded' },
    { code: 'reauth_required' },
    { code: 'internal_error' },
  ] as const) {
    assert.equal(retryDelay({ ...FAILED, ...hopeless }, 0), null);
  }
});
