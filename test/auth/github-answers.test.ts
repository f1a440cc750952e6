import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerKind } from '../../src/auth/github-answers.ts';
import { takePending, UsedStates, withPending } from '../../src/auth/pending-sign-ins.ts';
import { readTokenAnswer } from '../../src/auth/token-answer.ts';

const kindOf = (status: number, headers: Record<string, string> = {}, message = '') =>
  answerKind({ status, headers: new Headers(headers), body: { message } });

test('GitHub’s refusals are told apart', () => {
  assert.deepEqual(kindOf(204), { kind: 'ok' });
  assert.deepEqual(kindOf(401), { kind: 'token_refused' });
  assert.deepEqual(kindOf(404), { kind: 'not_found' });
  const url = 'https://github.com/orgs/acme/sso?authorization_request=x';
  assert.deepEqual(kindOf(403, { 'x-github-sso': `required; url=${url}` }), { kind: 'sso_required', url });
  assert.deepEqual(kindOf(403, {}, 'Resource protected by organization SAML enforcement.'), {
    kind: 'sso_required',
    url: null,
  });
  const restricted = 'the `acme` organization has enabled OAuth App access restrictions, meaning that …';
  assert.deepEqual(kindOf(403, {}, restricted), { kind: 'app_restricted' });
  assert.deepEqual(kindOf(403, {}, 'Resource not accessible by integration'), { kind: 'forbidden' });
});

test('rate limits and failures are outages, never verdicts', () => {
  assert.deepEqual(kindOf(403, { 'x-ratelimit-remaining': '0' }), { kind: 'unavailable', retryAfter: null });
  assert.deepEqual(kindOf(403, { 'retry-after': '60' }), { kind: 'unavailable', retryAfter: 60 });
  assert.deepEqual(kindOf(403, {}, 'You have exceeded a secondary rate limit.'), {
    kind: 'unavailable',
    retryAfter: null,
  });
  for (const status of [429, 500, 502, 503, 504, 302, 418]) assert.equal(kindOf(status).kind, 'unavailable');
});

test('only a bearer token without any error is an answer with tokens', () => {
  const good = { access_token: 'gho_x', token_type: 'bearer', scope: '' };
  assert.equal(readTokenAnswer(good, 0).kind, 'tokens');
  assert.deepEqual(readTokenAnswer({ error: 'bad_verification_code' }, 0), {
    kind: 'refused',
    error: 'bad_verification_code',
  });
  assert.deepEqual(readTokenAnswer({ ...good, error: 'x y <script>' }, 0), {
    kind: 'refused',
    error: 'invalid_answer',
  });
  const bad = [
    {},
    null,
    'text',
    [],
    { ...good, access_token: '' },
    { ...good, access_token: 1 },
    { ...good, token_type: 'mac' },
  ];
  for (const answer of bad) assert.equal(readTokenAnswer(answer, 0).kind, 'refused');
  const expiring = { ...good, expires_in: 28_800, refresh_token: 'ghr_x', refresh_token_expires_in: '100' };
  assert.deepEqual(readTokenAnswer(expiring, 1_000), {
    kind: 'tokens',
    tokens: { accessToken: 'gho_x', refreshToken: 'ghr_x', expiresAt: 28_801_000, refreshExpiresAt: 101_000 },
  });
});

test('a sign-in under way is found once, within ten minutes, and never without a verifier', () => {
  const entry = (state: string, startedAt: number, verifier = 'v') => ({ state, verifier, returnTo: '/', startedAt });
  const list = withPending([entry('old', 0)], entry('new', 599_999));
  assert.equal(takePending(list, 'old', 599_999)?.pending.state, 'old');
  assert.deepEqual(
    takePending(list, 'old', 599_999)?.rest.map(({ state }) => state),
    ['new'],
  );
  assert.equal(takePending(list, 'old', 600_000), null);
  assert.equal(takePending(list, '', 1_000), null);
  assert.equal(takePending([entry('s', 0, '')], 's', 1), null); // a dropped verifier
  let many = [entry('0', 0)];
  for (let index = 1; index < 20; index += 1) many = withPending(many, entry(String(index), index));
  assert.deepEqual(
    many.map(({ state }) => state),
    ['15', '16', '17', '18', '19'],
  );
  const used = new UsedStates();
  assert.deepEqual([used.claim('s', 0), used.claim('s', 1), used.claim('t', 1)], [true, false, true]);
});
