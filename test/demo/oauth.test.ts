import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { type StandIn, startStandIn } from '../../src/demo/stand-in.ts';

const CALLBACK = 'http://127.0.0.1:3999/auth/github/callback';
const VERIFIER = 'a-verifier-of-more-than-forty-three-characters-length';
const CHALLENGE = createHash('sha256').update(VERIFIER).digest('base64url');

let github: StandIn;
before(async () => {
  github = await startStandIn({ redirectUris: [CALLBACK] });
});
after(() => github.close());

function authorizeUrl(change: Record<string, string | null> = {}, at = github): string {
  const url = new URL('/login/oauth/authorize', at.githubUrl);
  const fields = {
    client_id: at.clientId,
    redirect_uri: CALLBACK,
    state: 'st&ate',
    scope: 'read:user read:org',
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256',
    ...change,
  };
  for (const [name, value] of Object.entries(fields)) if (value !== null) url.searchParams.set(name, value);
  return url.href;
}

async function codeFor(login = 'mona', at = github): Promise<string> {
  return new URL(await at.authorize(authorizeUrl({}, at), login)).searchParams.get('code') ?? '';
}

async function exchange(fields: Record<string, string>, at = github): Promise<Record<string, unknown>> {
  const response = await fetch(`${at.githubUrl}/login/oauth/access_token`, {
    method: 'POST',
    headers: { accept: 'application/json', 'content-type': 'application/json' },
    body: JSON.stringify({ client_id: at.clientId, client_secret: at.clientSecret, ...fields }),
  });
  assert.equal(response.status, 200, 'GitHub tells errors with status 200');
  return (await response.json()) as Record<string, unknown>;
}

test('signing in gives a classic token of the person that was chosen', async () => {
  const token = await exchange({ code: await codeFor('hubot'), code_verifier: VERIFIER, redirect_uri: CALLBACK });
  assert.match(String(token.access_token), /^gho_\w{36}$/);
  assert.equal(token.scope, 'read:user,read:org');
  const response = await fetch(`${github.githubApiUrl}/user`, {
    headers: { authorization: `Bearer ${String(token.access_token)}` },
  });
  assert.equal(response.headers.get('x-oauth-scopes'), 'read:user, read:org');
  const user = (await response.json()) as { id: number; login: string; avatar_url: string };
  assert.deepEqual([user.id, user.login], [1002, 'hubot']);
  const avatar = await fetch(user.avatar_url);
  assert.equal(avatar.headers.get('content-type'), 'image/svg+xml');
});

test('the callback gets the state back, whether the person agrees or refuses', async () => {
  const agreed = new URL(await github.authorize(authorizeUrl(), 'mona'));
  assert.equal(agreed.searchParams.get('state'), 'st&ate');
  const refused = new URL(await github.authorize(authorizeUrl(), 'mona', 'deny'));
  assert.equal(refused.searchParams.get('error'), 'access_denied');
  assert.equal(refused.searchParams.get('state'), 'st&ate');
  assert.equal(refused.searchParams.has('code'), false);
});

test('the page needs no script, no inline style and nothing from elsewhere', async () => {
  const page = await fetch(authorizeUrl({ state: '"><script>alert(1)</script>' }));
  const html = await page.text();
  assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'/);
  assert.doesNotMatch(html, /<script|style=|<style|https:/);
});

for (const [what, change] of Object.entries({
  'an unknown client': { client_id: 'other' },
  'another host': { redirect_uri: 'https://evil.example/auth/github/callback' },
  'another path': { redirect_uri: 'http://127.0.0.1:3999/elsewhere' },
  'a path that only begins alike': { redirect_uri: `${CALLBACK}x` },
  'a user in the URL': { redirect_uri: CALLBACK.replace('//', '//a:b@') },
}))
  test(`the browser is never sent away for ${what}`, async () => {
    const response = await fetch(authorizeUrl(change), { redirect: 'manual' });
    assert.ok(response.status >= 400 && response.status < 500);
    assert.equal(response.headers.get('location'), null);
    await response.body?.cancel();
  });

test('a code works once', async () => {
  const code = await codeFor();
  assert.ok((await exchange({ code, code_verifier: VERIFIER })).access_token);
  assert.equal((await exchange({ code, code_verifier: VERIFIER })).error, 'bad_verification_code');
});

for (const [what, fields, error] of [
  ['a wrong verifier', { code_verifier: 'wrong' }, 'bad_verification_code'],
  ['no verifier', {}, 'bad_verification_code'],
  ['another redirect URI', { code_verifier: VERIFIER, redirect_uri: `${CALLBACK}/x` }, 'redirect_uri_mismatch'],
  ['a wrong secret', { code_verifier: VERIFIER, client_secret: 'wrong' }, 'incorrect_client_credentials'],
  ['an unknown grant type', { code_verifier: VERIFIER, grant_type: 'password' }, 'unsupported_grant_type'],
] as [string, Record<string, string>, string][])
  test(`the exchange refuses ${what} as ${error}`, async () => {
    const answer = await exchange({ code: await codeFor(), ...fields });
    assert.equal(answer.error, error);
    assert.ok(answer.error_description && answer.error_uri);
    assert.equal(answer.access_token, undefined);
  });

test('without Accept the answer is form-encoded, and the client may sign in as Basic', async () => {
  const basic = Buffer.from(`${github.clientId}:${github.clientSecret}`).toString('base64');
  const response = await fetch(`${github.githubUrl}/login/oauth/access_token`, {
    method: 'POST',
    headers: { authorization: `Basic ${basic}` },
    body: new URLSearchParams({ code: await codeFor(), code_verifier: VERIFIER }),
  });
  assert.match(new URLSearchParams(await response.text()).get('access_token') ?? '', /^gho_/);
});

test('an expiring token is refreshed once: the old pair is dead, reuse is refused', async () => {
  const app = await startStandIn({ tokens: 'expiring' });
  try {
    const first = await exchange({ code: await codeFor('mona', app), code_verifier: VERIFIER }, app);
    assert.match(String(first.access_token), /^ghu_/);
    assert.deepEqual([first.expires_in, first.refresh_token_expires_in, first.scope], [28_800, 15_897_600, '']);
    const refresh = { grant_type: 'refresh_token', refresh_token: String(first.refresh_token) };
    const second = await exchange(refresh, app);
    assert.ok(app.isTokenLive(String(second.access_token)));
    assert.equal(app.isTokenLive(String(first.access_token)), false);
    assert.equal((await exchange(refresh, app)).error, 'bad_refresh_token');
  } finally {
    await app.close();
  }
});

test('an expired token is refused, its refresh token still works', async () => {
  const app = await startStandIn({ tokens: 'expiring', accessTokenSeconds: 0 });
  try {
    const first = await exchange({ code: await codeFor('mona', app), code_verifier: VERIFIER }, app);
    assert.equal(app.isTokenLive(String(first.access_token)), false);
    const refresh = { grant_type: 'refresh_token', refresh_token: String(first.refresh_token) };
    assert.ok((await exchange(refresh, app)).access_token);
  } finally {
    await app.close();
  }
});
