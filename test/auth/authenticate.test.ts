import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TokenVerifier } from '../../src/auth/token-verifier.ts';
import { principal, type Scope } from '../../src/principal.ts';
import { openAuthApp } from '../support/auth-app.ts';
import { watch } from '../support/auth-doubles.ts';

/** A stand-in for the verifier of API tokens: `good-<scopes>` belongs to mona. */
const verifier: TokenVerifier = {
  verify: async (token) => {
    if (!token.startsWith('good')) return null;
    const scopes = token.split('-').slice(1) as Scope[];
    return principal({ userId: '1001', login: 'mona', proof: { kind: 'token', tokenId: 't1', scopes } });
  },
};
const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

describe('who is asking', () => {
  it('is asked for before anything else of a request counts', async () => {
    await using gateway = await openAuthApp();
    const answer = await gateway.app.inject({
      method: 'POST',
      url: '/test/write',
      headers: { 'content-type': 'text/plain' },
      payload: '{',
    });
    assert.equal(answer.statusCode, 401);
    assert.equal(answer.json().code, 'unauthenticated');
    assert.equal(answer.headers['www-authenticate'], 'Bearer realm="pilothouse"');
  });

  it('leads a browser that opens a page to sign-in, and tells a program 401', async () => {
    await using gateway = await openAuthApp();
    const browser = gateway.browser();
    assert.equal((await browser.open('/test/read')).statusCode, 302);
    assert.equal((await browser.api('GET', '/test/read')).statusCode, 401);
    const old = { url: '/test/read', headers: { accept: 'text/html' } }; // a browser without fetch metadata
    assert.equal((await gateway.app.inject(old)).statusCode, 302);
    assert.equal((await gateway.app.inject({ url: '/test/read', headers: { accept: '*/*' } })).statusCode, 401);
    const script = { accept: 'text/html', 'sec-fetch-mode': 'cors' };
    assert.equal((await gateway.app.inject({ url: '/test/read', headers: script })).statusCode, 401);
    assert.equal(
      (await gateway.app.inject({ method: 'POST', url: '/test/write', headers: { accept: 'text/html' } })).statusCode,
      401,
    );
    assert.equal((await browser.open('/test/read', bearer('bad'))).statusCode, 401);
  });

  it('is settled before a route runs: a browser led to sign-in reaches none', async () => {
    const reached: string[] = [];
    await using gateway = await openAuthApp({
      routes: async (scope) => {
        scope.addHook('preHandler', async () => void reached.push('hook'));
        scope.get('/test/effect', { config: { scope: 'chats:read' } }, async () => reached.push('route'));
      },
    });
    const answer = await gateway.browser().open('/test/effect');
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual([answer.statusCode, reached], [302, []]);
    assert.ok(!gateway.log.some((line) => line.includes('"level":50')));
  });

  it('is told by an API token as well, without any session machinery', async () => {
    const calls: string[] = [];
    await using gateway = await openAuthApp({
      tokenVerifier: verifier,
      wrapStore: (store) => ({ ...store, webSessions: watch(store.webSessions, calls) }),
      routes: async (scope) => {
        scope.get('/test/session', { config: { scope: 'chats:read' } }, async (request) => ({
          session: request.session,
        }));
      },
    });
    await gateway.browser().signIn('mona');
    calls.length = 0;
    const program = gateway.browser();
    const answer = await program.send('GET', '/test/session', bearer('good-chats:read'));
    assert.deepEqual(answer.json(), { session: null });
    assert.deepEqual([calls, program.setCookies], [[], []]);
  });

  it('is not told by a bad token, nor by any where there is no verifier', async () => {
    await using gateway = await openAuthApp({ tokenVerifier: verifier });
    await using without = await openAuthApp();
    await gateway.browser().signIn('mona');
    for (const value of [
      'Bearer bad',
      'Bearer',
      'Bearer  ',
      'bearer bad',
      'Bearer good-chats:read extra',
      'Basic Z29vZA==',
      'good',
    ]) {
      const answer = await gateway.app.inject({ url: '/test/read', headers: { authorization: value } });
      assert.equal(answer.statusCode, 401, value);
    }
    const answer = await without.app.inject({ url: '/test/read', ...bearer('good-chats:read') });
    assert.equal(answer.statusCode, 401);
    assert.equal(answer.headers['www-authenticate'], 'Bearer realm="pilothouse", error="invalid_token"');
  });

  it('is nobody when cookie and token come together', async () => {
    await using gateway = await openAuthApp({ tokenVerifier: verifier });
    const browser = gateway.browser();
    await browser.signIn('mona');
    const answer = await browser.api('GET', '/test/read', bearer('good-chats:read'));
    assert.equal(answer.statusCode, 400);
    assert.equal(answer.json().code, 'ambiguous_credentials');
    browser.cookies.set('sid', 'stale');
    assert.equal((await browser.api('GET', '/test/read', bearer('good-chats:read'))).statusCode, 400);
  });

  it('is told by the cookie that counts, however its name is written', async () => {
    await using gateway = await openAuthApp();
    const mallory = gateway.browser();
    await mallory.signIn('mona');
    const own = mallory.cookies.get('sid') ?? '';
    const read = (cookie: string) => gateway.app.inject({ url: '/test/read', headers: { cookie } });
    for (const space of [' ', '\t']) {
      // Cookies are parsed with the space taken off the name: the first one is mallory's session.
      await read(`sid${space}=${own}; sid=somebody-elses`);
      assert.equal((await read('sid=somebody-elses')).statusCode, 401);
    }
  });

  it('is not remembered where much was sent: what is kept is bounded', async () => {
    await using gateway = await openAuthApp();
    const browser = gateway.browser();
    await browser.signIn('mona');
    const own = `sid=${browser.cookies.get('sid')}`;
    const calls: string[] = [];
    const sessions = gateway.store.webSessions;
    const find = sessions.find.bind(sessions);
    sessions.find = (...args) => {
      calls.push('find');
      return find(...args);
    };
    const read = (cookie: string) => gateway.app.inject({ url: '/test/read', headers: { cookie } });
    for (const cookie of [own, `${own}; other=${'x'.repeat(8_000)}`]) {
      calls.length = 0;
      for (let n = 0; n < 2; n += 1) assert.equal((await read(cookie)).statusCode, 200);
    }
    assert.equal(calls.length, 2);
  });

  it('is never taken from the query string', async () => {
    await using gateway = await openAuthApp({ tokenVerifier: verifier });
    await gateway.browser().signIn('mona');
    for (const name of ['access_token', 'token', 'authorization', 'sid', 'api_key']) {
      const answer = await gateway.app.inject({ url: `/test/read?${name}=good-chats:read` });
      assert.equal(answer.statusCode, 401, name);
    }
  });

  it('must still be a user here, and not a blocked one', async () => {
    await using gateway = await openAuthApp({ tokenVerifier: verifier });
    const ask = async () => (await gateway.app.inject({ url: '/test/read', ...bearer('good-chats:read') })).json().code;
    assert.equal(await ask(), 'unauthenticated');
    const browser = gateway.browser();
    await browser.signIn('mona');
    assert.equal(await ask(), undefined);
    await gateway.store.users.setBlocked('1001', gateway.now());
    // An admin's block is felt at once; what only the database was told, when it is asked again.
    gateway.advance(1_000);
    assert.equal(await ask(), 'account_blocked');
    assert.equal((await browser.api('GET', '/api/me')).statusCode, 401);
  });
});

describe('what a token may do', () => {
  it('is what the route asks for and the token has', async () => {
    await using gateway = await openAuthApp({ tokenVerifier: verifier });
    await gateway.browser().signIn('mona');
    const ask = (method: 'GET' | 'POST' | 'DELETE', url: string, token: string) =>
      gateway.app.inject({ method, url, ...bearer(token) });
    assert.equal((await ask('GET', '/test/read', 'good-chats:read')).statusCode, 200);
    assert.equal((await ask('POST', '/test/write', 'good-chats:read-chats:write')).statusCode, 200);
    const refused = await ask('POST', '/test/write', 'good-chats:read');
    assert.equal(refused.statusCode, 403);
    assert.deepEqual([refused.json().code, refused.json().scope], ['insufficient_scope', 'chats:write']);
    assert.match(String(refused.headers['www-authenticate']), /error="insufficient_scope", scope="chats:write"/);
    assert.equal((await ask('GET', '/api/me', 'good-chats:read')).statusCode, 403);
    assert.equal((await ask('GET', '/api/me', 'good-account:read')).statusCode, 200);
    const all = 'good-chats:read-chats:write-account:read';
    for (const [method, url] of [
      ['DELETE', '/api/me'],
      ['GET', '/api/me/export'],
      ['GET', '/api/me/sessions'],
      ['DELETE', '/api/me/sessions'],
    ] as const) {
      assert.equal((await ask(method, url, all)).json().code, 'forbidden', url);
    }
    assert.notEqual(await gateway.store.users.find('1001'), null);
  });

  for (const config of [
    undefined,
    {},
    { scope: 'chats:read', sessionOnly: true },
    { scope: 'everything' },
    { sessionOnly: false },
  ]) {
    it(`must be declared: ${JSON.stringify(config)} does not start`, async () => {
      const opening = openAuthApp({
        routes: async (scope) => {
          scope.get('/test/forgotten', config === undefined ? {} : { config: config as object }, async () => 'open');
        },
      });
      await assert.rejects(
        opening.then((gateway) => gateway[Symbol.asyncDispose]()),
        /GET \/test\/forgotten is guarded/,
      );
    });
  }

  it('cannot be left out by reading the principal on a public route', async () => {
    await using gateway = await openAuthApp();
    const request = { method: 'GET' };
    assert.equal(gateway.auth.principalOf(request as never), null);
  });
});

describe('a request that another site causes', () => {
  it('is refused when it would change something with the person’s cookie', async () => {
    await using gateway = await openAuthApp({ tokenVerifier: verifier });
    const browser = gateway.browser();
    await browser.signIn('mona');
    const post = async (headers: Record<string, string>, path = '/test/write') =>
      (await browser.send('POST', path, { headers })).statusCode;
    for (const headers of [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'cross-site', origin: 'http://localhost:3000' },
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: 'http://localhost:3000.evil.example' },
      { origin: 'http://localhost:3001' },
      { origin: 'https://localhost:3000' },
      { origin: 'not a url' },
      { referer: 'https://evil.example/localhost:3000' },
    ] as Record<string, string>[]) {
      assert.equal(await post(headers), 403, JSON.stringify(headers));
      assert.equal(await post(headers, '/auth/logout'), 403, JSON.stringify(headers));
    }
    for (const headers of [
      { 'sec-fetch-site': 'same-origin' },
      { 'sec-fetch-site': 'none' },
      { origin: 'http://localhost:3000' },
      { referer: 'http://localhost:3000/chats' },
      { origin: 'http://127.0.0.1:3000', host: '127.0.0.1:3000' },
      {},
    ] as Record<string, string>[]) {
      assert.equal(await post(headers), 200, JSON.stringify(headers));
    }
    // Rebinding: a name of the attacker that resolves to this machine.
    assert.equal(await post({ origin: 'http://evil.example:3000', host: 'evil.example:3000' }), 403);
    // Reading is safe: the answer cannot be read by the other site.
    assert.equal(
      (await browser.send('GET', '/test/read', { headers: { 'sec-fetch-site': 'cross-site' } })).statusCode,
      200,
    );
    // A program's token comes along only when the program sends it.
    const program = await gateway.app.inject({
      method: 'POST',
      url: '/test/write',
      headers: { ...bearer('good-chats:write').headers, origin: 'https://tool.example' },
    });
    assert.equal(program.statusCode, 200);
  });

  it('is told by whose request it was, remembered or not, though it is refused', async () => {
    const told: (string | null)[] = [];
    await using gateway = await openAuthApp({
      routes: async (scope) => {
        scope.addHook('onResponse', async (request) => void told.push(gateway.auth.userIdOf(request)));
        scope.post('/test/told', { config: { scope: 'chats:write' } }, async () => 'never');
      },
    });
    const browser = gateway.browser();
    await browser.signIn('mona');
    const { userId } = (await browser.api('GET', '/test/read')).json();
    const headers = { 'sec-fetch-site': 'cross-site' };
    for (const ms of [0, 1_000]) {
      gateway.advance(ms);
      assert.equal((await browser.send('POST', '/test/told', { headers })).statusCode, 403);
    }
    assert.deepEqual(told, [userId, userId]);
  });

  it('finds no other origin than PUBLIC_URL where that is not this machine', async () => {
    const env = { PUBLIC_URL: 'https://chat.example' };
    await using gateway = await openAuthApp({
      env,
      standIn: { redirectUris: ['https://chat.example/auth/github/callback'] },
    });
    const browser = gateway.browser();
    await browser.signIn('mona');
    const post = async (headers: Record<string, string>) =>
      (await browser.send('POST', '/test/write', { headers })).statusCode;
    assert.equal(await post({ origin: 'https://chat.example' }), 200);
    assert.equal(await post({ origin: 'http://chat.example' }), 403);
    assert.equal(await post({ origin: 'http://localhost:3000', host: 'localhost:3000' }), 403);
  });
});
