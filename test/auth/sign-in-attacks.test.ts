import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type AuthApp, openAuthApp } from '../support/auth-app.ts';
import type { Browser } from '../support/auth-browser.ts';

async function assertRefused(browser: Browser, path: string): Promise<void> {
  const answer = await browser.api('GET', path);
  assert.equal(answer.statusCode, 400, path);
  assert.equal(answer.json().code, 'sign_in_failed');
}

async function assertSignedOut(browser: Browser): Promise<void> {
  assert.equal((await browser.api('GET', '/api/me')).statusCode, 401);
}

function exchanges(gateway: AuthApp): number {
  return gateway.standIn.requests.filter(({ path }) => path === '/login/oauth/access_token').length;
}

describe('attacks on sign-in', () => {
  it('the attacker’s code and state in the victim’s browser sign nobody in', async () => {
    await using gateway = await openAuthApp();
    const [attacker, victim] = [gateway.browser(), gateway.browser()];
    const callback = await attacker.toCallback('hubot');
    await assertRefused(victim, callback);
    await victim.toCallback('mona'); // even with a flow of their own under way
    await assertRefused(victim, callback);
    await assertSignedOut(victim);
    assert.equal(exchanges(gateway), 0);
  });

  it('the attacker’s code with the victim’s own state fails at the verifier', async () => {
    await using gateway = await openAuthApp();
    const [attacker, victim] = [gateway.browser(), gateway.browser()];
    const stolen = new URL(await attacker.toCallback('hubot'), 'http://x').searchParams.get('code') ?? '';
    const own = new URL(await victim.toCallback('mona'), 'http://x');
    own.searchParams.set('code', stolen);
    await assertRefused(victim, `${own.pathname}${own.search}`);
    await assertSignedOut(victim);
  });

  it('planted cookies do not replace a flow that was never started (D3)', async () => {
    await using gateway = await openAuthApp();
    const { code } = Object.fromEntries(new URL(await gateway.browser().toCallback('hubot'), 'http://x').searchParams);
    const victim = gateway.browser();
    for (const prefix of ['', '__Host-', 'oauth2-', '__Host-oauth2-']) {
      victim.cookies.set(`${prefix}state`, 'planted');
      victim.cookies.set(`${prefix}redirect-state`, 'planted');
      victim.cookies.set(`${prefix}verifier`, 'v'.repeat(43));
      victim.cookies.set(`${prefix}code-verifier`, 'v'.repeat(43));
    }
    await assertRefused(victim, `/auth/github/callback?code=${code}&state=planted`);
    assert.equal(exchanges(gateway), 0);
  });

  it('keeps state and verifier out of cookies', async () => {
    await using gateway = await openAuthApp();
    const browser = gateway.browser();
    const started = await browser.open('/auth/github');
    const state = new URL(String(started.headers.location)).searchParams.get('state') ?? '';
    assert.ok(state.length >= 20);
    assert.deepEqual([...browser.cookies.keys()], ['sid']);
    assert.ok(!browser.setCookies.join().includes(state));
  });

  it('a callback works once: replayed, it fails', async () => {
    await using gateway = await openAuthApp();
    const browser = gateway.browser();
    const callback = await browser.toCallback('mona');
    assert.equal((await browser.open(callback)).statusCode, 302);
    await assertRefused(browser, callback);
  });

  it('a state is used up by a failure too', async () => {
    await using gateway = await openAuthApp();
    const browser = gateway.browser();
    const callback = await browser.toCallback('mona');
    gateway.standIn.setGitHubFault({ down: true });
    assert.equal((await browser.api('GET', callback)).statusCode, 502);
    gateway.standIn.setGitHubFault(null);
    await assertRefused(browser, callback);
    const denied = await browser.toCallback('mona', '/', 'deny');
    await assertRefused(browser, denied);
    const { state } = Object.fromEntries(new URL(denied, 'http://x').searchParams);
    const code = new URL(callback, 'http://x').searchParams.get('code');
    await assertRefused(browser, `/auth/github/callback?code=${code}&state=${state}`);
  });

  it('of many callbacks at the same moment one wins', async () => {
    await using gateway = await openAuthApp();
    const browser = gateway.browser();
    const callback = await browser.toCallback('mona');
    const cookie = `sid=${browser.cookies.get('sid')}`;
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => gateway.app.inject({ url: callback, headers: { cookie } })),
    );
    assert.deepEqual(answers.map(({ statusCode }) => statusCode).sort(), [302, ...Array<number>(9).fill(400)]);
    assert.equal(exchanges(gateway), 1);
  });

  for (const [name, change] of [
    ['a doubled state', (query: URLSearchParams) => query.append('state', query.get('state') ?? '')],
    ['a second, other state', (query: URLSearchParams) => query.append('state', 'other')],
    ['a doubled code', (query: URLSearchParams) => query.append('code', 'other')],
    ['no state', (query: URLSearchParams) => query.delete('state')],
    ['an empty state', (query: URLSearchParams) => query.set('state', '')],
    ['no code', (query: URLSearchParams) => query.delete('code')],
    ['an empty code', (query: URLSearchParams) => query.set('code', '')],
    [
      'state as an array',
      (query: URLSearchParams) => {
        query.append('state[]', query.get('state') ?? '');
        query.delete('state');
      },
    ],
    ['an error beside the code', (query: URLSearchParams) => query.append('error', 'access_denied')],
  ] as const) {
    it(`${name} is refused before anything is exchanged`, async () => {
      await using gateway = await openAuthApp();
      const browser = gateway.browser();
      const callback = new URL(await browser.toCallback('mona'), 'http://x');
      change(callback.searchParams);
      await assertRefused(browser, `${callback.pathname}${callback.search}`);
      assert.equal(exchanges(gateway), 0);
      await assertSignedOut(browser);
    });
  }

  it('a sign-in that took longer than ten minutes has to begin again', async () => {
    await using gateway = await openAuthApp();
    const browser = gateway.browser();
    const late = await browser.toCallback('mona');
    gateway.advance(10 * 60_000 + 1);
    await assertRefused(browser, late);
    // Also for someone who is signed in, whose session lives longer than that.
    await browser.signIn('mona');
    const again = await browser.toCallback('mona');
    gateway.advance(10 * 60_000 + 1);
    await assertRefused(browser, again);
  });

  it('a session id from before sign-in is worth nothing after it', async () => {
    await using gateway = await openAuthApp();
    const victim = gateway.browser();
    await victim.open('/auth/github');
    const planted = victim.cookies.get('sid') ?? '';
    await victim.signIn('mona');
    assert.notEqual(victim.cookies.get('sid'), planted);
    const attacker = gateway.browser();
    attacker.cookies.set('sid', planted);
    await assertSignedOut(attacker);
  });

  it('signing in again ends the session before it', async () => {
    await using gateway = await openAuthApp();
    const browser = gateway.browser();
    await browser.signIn('mona');
    const old = browser.cookies.get('sid') ?? '';
    await browser.signIn('hubot');
    assert.equal((await browser.api('GET', '/api/me')).json().login, 'hubot');
    browser.cookies.set('sid', old);
    await assertSignedOut(browser);
  });

  it('a made-up or unsigned session id is not taken', async () => {
    await using gateway = await openAuthApp();
    const browser = gateway.browser();
    for (const value of ['made-up', 'made-up.signature', 'a'.repeat(5_000), '%00', '']) {
      browser.cookies.set('sid', value);
      await assertSignedOut(browser);
    }
  });

  it('a forwarded host changes neither the callback nor the way back', async () => {
    await using gateway = await openAuthApp();
    const headers = {
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
      host: 'evil.example',
      forwarded: 'host=evil.example',
    };
    const browser = gateway.browser();
    const started = await browser.open('/auth/github?returnTo=/x', { headers });
    const authorize = new URL(String(started.headers.location));
    assert.equal(authorize.origin, gateway.standIn.url);
    assert.equal(authorize.searchParams.get('redirect_uri'), 'http://localhost:3000/auth/github/callback');
    const callback = new URL(await gateway.standIn.authorize(authorize.href, 'mona'));
    assert.equal((await browser.open(`${callback.pathname}${callback.search}`, { headers })).headers.location, '/x');
  });

  it('leads nobody elsewhere afterwards', async () => {
    await using gateway = await openAuthApp();
    const browser = gateway.browser();
    for (const returnTo of [
      '//evil.example',
      '/\\evil.example',
      'https:evil.example',
      '/%09/evil.example',
      '/\t/evil.example',
    ]) {
      const answer = await browser.signIn('mona', returnTo);
      assert.deepEqual([answer.statusCode, answer.headers.location], [302, '/'], returnTo);
    }
  });

  it('a doubled returnTo counts as none', async () => {
    await using gateway = await openAuthApp();
    const browser = gateway.browser();
    const started = await browser.open('/auth/github?returnTo=/a&returnTo=//evil.example');
    const callback = new URL(await gateway.standIn.authorize(String(started.headers.location), 'mona'));
    assert.equal((await browser.open(`${callback.pathname}${callback.search}`)).headers.location, '/');
  });
});
