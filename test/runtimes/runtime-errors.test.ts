import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  errorOf,
  failureOfCall,
  isSessionMissing,
  type RuntimeFailure,
  secondsToWait,
} from '../../src/runtimes/runtime-errors.ts';

const failed = (changes: Partial<RuntimeFailure>): RuntimeFailure => ({
  type: 'query',
  status: null,
  code: null,
  message: '',
  retryAfter: null,
  ...changes,
});

const CASES: readonly [Partial<RuntimeFailure>, string][] = [
  [{ type: 'authorization', status: 401 }, 'reauth_required'],
  [{ type: 'authorization', status: null }, 'reauth_required'],
  [{ type: 'authorization', status: 403 }, 'copilot_access_denied'],
  [{ type: 'quota', status: 402 }, 'quota_exceeded'],
  [{ type: 'rate_limit', status: 429 }, 'upstream_rate_limited'],
  [{ status: 413 }, 'context_too_long'],
  [{ status: 400, code: 'model_max_prompt_tokens_exceeded' }, 'context_too_long'],
  [{ status: 400, code: 'model_not_supported' }, 'model_unavailable'],
  [{ message: 'Request session.create failed with message: Model "x" is not available.' }, 'model_unavailable'],
  [{ type: 'persistence' }, 'store_unavailable'],
  [{ status: 500 }, 'upstream_failed'],
  [{ status: null }, 'upstream_failed'],
];

for (const [changes, code] of CASES) {
  test(`${JSON.stringify(changes)} is ${code}`, () => {
    assert.equal(errorOf(failed(changes), 'github').code, code);
  });
}

test('where one credential serves all, nobody is asked to sign in again', () => {
  for (const status of [401, 403]) assert.equal(errorOf(failed({ status }), 'service').code, 'upstream_failed');
  assert.equal(errorOf(failed({ status: 429 }), 'byok').code, 'upstream_rate_limited');
});

test('the words of the upstream go to the log only', () => {
  const error = errorOf(failed({ status: 500, message: 'the prompt was: my secret' }), 'github');
  assert.doesNotMatch(JSON.stringify(error.problem()), /my secret/);
  assert.match(JSON.stringify(error.cause), /my secret/);
});

test('how long to wait is read from the runtime’s words, or told by it', () => {
  const says = (when: string): number => secondsToWait(`wait for your limit to reset ${when}. Learn More`);
  assert.deepEqual(
    [says('in under a minute'), says('in 1 hour'), says('in 12 minutes'), says('in 30 seconds'), says('soon')],
    [60, 3_600, 720, 30, 60],
  );
  assert.equal(errorOf(failed({ status: 429, retryAfter: 5 }), 'github').retryAfter, 5);
});

test('a refused call tells its status in words', () => {
  const status = (message: string): number | null => failureOfCall(new Error(message)).status;
  assert.equal(status('Failed to fetch Copilot user info: 401 Unauthorized: {"message":"Bad credentials"}'), 401);
  assert.equal(status('GenericFailure, {"kind":"http","status":403,"statusText":"Forbidden"}'), 403);
  assert.equal(status('listening on port 40312'), null);
});

test('a session nobody knows is told from other failures', () => {
  assert.equal(isSessionMissing(new Error('Failed to load session events: Session not found: user-1-a')), true);
  assert.equal(isSessionMissing(new Error('Invalid event at line 4')), false);
  assert.equal(isSessionMissing('Session not found'), false);
});
