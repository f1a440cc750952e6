import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { startStandIn } from '../../src/demo/stand-in.ts';
import { type AuthApp, openAuthApp } from '../support/auth-app.ts';
import type { Browser } from '../support/auth-browser.ts';
import { override, watch } from '../support/auth-doubles.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

async function signedIn(gateway: AuthApp, login = 'mona'): Promise<Browser> {
  const browser = gateway.browser();
  assert.equal((await browser.signIn(login)).statusCode, 302);
  return browser;
}

async function statusOf(browser: Browser): Promise<number> {
  return (await browser.api('GET', '/api/me')).statusCode;
}

describe('the session cookie', () => {
  it('is host-only, Secure and out of scripts’ reach under https, wherever TLS ends', async () => {
    const env = { PUBLIC_URL: 'https://chat.example' };
    await using gateway = await openAuthApp({
      env,
      standIn: { redirectUris: ['https://chat.example/auth/github/callback'] },
    });
    const browser = await signedIn(gateway);
    assert.equal(await statusOf(browser), 200);
    assert.ok(browser.setCookies.length >= 2);
    for (const line of browser.setCookies) {
      assert.match(line, /^__Host-sid=/);
      assert.match(line, /; Path=\/(;|$)/);
      for (const attribute of ['HttpOnly', 'Secure', 'SameSite=Lax']) assert.ok(line.includes(`; ${attribute}`), line);
      assert.doesNotMatch(line, /Domain/i);
    }
    // A browser ignores the clearing of a `__Host-` cookie that is not Secure.
    await browser.api('POST', '/auth/logout');
    assert.match(browser.setCookies.at(-1) ?? '', /^__Host-sid=;.*Secure/);
    browser.cookies.set('__Host-sid', 'made-up.signature');
    await browser.api('GET', '/api/me');
    assert.match(browser.setCookies.at(-1) ?? '', /^__Host-sid=;.*Secure/);
  });

  it('is plain on one’s own machine, and lasts as long as the session may', async () => {
    await using gateway = await openAuthApp();
    const browser = await signedIn(gateway);
    const line = browser.setCookies.at(-1) ?? '';
    assert.match(line, /^sid=[^;]+; Path=\/; Expires=/);
    assert.match(line, /HttpOnly/);
    assert.doesNotMatch(line, /Secure/);
    const expires = Date.parse(/Expires=([^;]+)/.exec(line)?.[1] ?? '');
    assert.ok(Math.abs(expires - (Date.now() + 14 * DAY)) < 60_000);
  });

  it('holds the only copy of the id: the database has a hash', async () => {
    const calls: string[] = [];
    await using gateway = await openAuthApp({
      wrapStore: (store) => ({ ...store, webSessions: watch(store.webSessions, calls) }),
    });
    const browser = await signedIn(gateway);
    const id = decodeURIComponent(browser.cookies.get('sid') ?? '').split('.')[0] ?? '';
    const [record] = await gateway.store.webSessions.list('1001', gateway.now(), DAY);
    assert.equal(record?.idHash, createHash('sha256').update(id).digest('base64url'));
    assert.ok(!JSON.stringify(record).includes(id));
  });
});

describe('a web session', () => {
  it('ends when it is not used for a day, and not before', async () => {
    await using gateway = await openAuthApp();
    const browser = await signedIn(gateway);
    gateway.advance(23 * HOUR);
    assert.equal(await statusOf(browser), 200);
    gateway.advance(23 * HOUR);
    assert.equal(await statusOf(browser), 200);
    gateway.advance(25 * HOUR);
    assert.equal(await statusOf(browser), 401);
  });

  it('ends after fourteen days however much it is used', async () => {
    await using gateway = await openAuthApp();
    const browser = await signedIn(gateway);
    for (let day = 0; day < 13; day += 1) {
      gateway.advance(DAY - HOUR);
      assert.equal(await statusOf(browser), 200);
    }
    gateway.advance(DAY - HOUR);
    assert.equal(await statusOf(browser), 200);
    gateway.advance(DAY - HOUR);
    assert.equal(await statusOf(browser), 401);
  });

  it('is written when it is used, but not more often than every five minutes (D14)', async () => {
    const calls: string[] = [];
    await using gateway = await openAuthApp({
      wrapStore: (store) => ({ ...store, webSessions: watch(store.webSessions, calls) }),
    });
    const browser = await signedIn(gateway);
    calls.length = 0;
    const cookies = browser.setCookies.length;
    for (let request = 0; request < 5; request += 1) await statusOf(browser);
    gateway.advance(5 * 60_000);
    for (let request = 0; request < 5; request += 1) await statusOf(browser);
    assert.deepEqual(
      calls.filter((call) => call !== 'find'),
      ['touch'],
    );
    assert.equal(browser.setCookies.length, cookies);
  });

  it('is not made for someone who only looks', async () => {
    const calls: string[] = [];
    await using gateway = await openAuthApp({
      wrapStore: (store) => ({ ...store, webSessions: watch(store.webSessions, calls) }),
    });
    const browser = gateway.browser();
    await browser.open('/test/read');
    await statusOf(browser);
    assert.deepEqual([calls, browser.setCookies], [[], []]);
  });
});

describe('logging out', () => {
  it('is final, clears the cookie and can be said twice', async () => {
    await using gateway = await openAuthApp();
    const browser = await signedIn(gateway);
    const cookie = browser.cookies.get('sid') ?? '';
    const out = await browser.api('POST', '/auth/logout');
    assert.deepEqual([out.statusCode, out.body], [204, '']);
    assert.equal(browser.cookies.size, 0);
    assert.equal((await browser.api('POST', '/auth/logout')).statusCode, 204);
    browser.cookies.set('sid', cookie);
    assert.equal(await statusOf(browser), 401);
    assert.equal((await browser.api('POST', '/auth/logout')).statusCode, 204);
  });

  it('is not undone by a request that was under way (D1)', async () => {
    const [reached, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    await using gateway = await openAuthApp({
      routes: async (scope) => {
        scope.get('/test/slow', { config: { scope: 'chats:read' } }, async (request) => {
          reached.resolve();
          await gate.promise;
          request.session.signedAt = 1; // any change makes @fastify/session save it
          return 'done';
        });
      },
    });
    const browser = await signedIn(gateway);
    const cookie = browser.cookies.get('sid') ?? '';
    const slow = browser.api('GET', '/test/slow');
    await reached.promise;
    await browser.api('POST', '/auth/logout');
    gate.resolve();
    assert.equal((await slow).statusCode, 200);
    for (const value of [cookie, browser.cookies.get('sid') ?? '']) {
      browser.cookies.set('sid', value);
      assert.equal(await statusOf(browser), 401);
    }
  });

  it('is final also where the session was being read while it ended', async () => {
    let read = Promise.withResolvers<void>();
    let gate: PromiseWithResolvers<void> | null = null;
    await using gateway = await openAuthApp({
      wrapStore: (store) => ({
        ...store,
        webSessions: override(store.webSessions, {
          find: async (...args) => {
            const found = await store.webSessions.find(...args);
            const held = gate;
            gate = null;
            read.resolve();
            await held?.promise;
            return found;
          },
        }),
      }),
    });
    const browser = await signedIn(gateway);
    const cookie = browser.cookies.get('sid') ?? '';
    gateway.advance(1_000); // nothing is remembered of it
    read = Promise.withResolvers();
    const held = Promise.withResolvers<void>();
    gate = held;
    const underWay = browser.api('GET', '/test/read');
    await read.promise;
    assert.equal((await browser.api('POST', '/auth/logout')).statusCode, 204);
    held.resolve();
    await underWay;
    browser.cookies.set('sid', cookie);
    assert.equal(await statusOf(browser), 401);
  });

  it('ends what streams in this session, and leaves the other devices alone', async () => {
    const ended: string[] = [];
    await using gateway = await openAuthApp({
      routes: async (scope) => {
        scope.get('/test/stream', { config: { scope: 'chats:read' } }, async (request, reply) => {
          const signal = gateway.auth.revocations.signalFor(request.principal, reply.raw);
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          ended.push(signal.reason.code);
          return 'ended';
        });
      },
    });
    const [phone, laptop] = [await signedIn(gateway), await signedIn(gateway)];
    const stream = phone.api('GET', '/test/stream');
    while (gateway.auth.revocations.size === 0) await new Promise(setImmediate);
    await laptop.api('POST', '/auth/logout');
    assert.deepEqual(ended, []);
    await phone.api('POST', '/auth/logout');
    assert.equal((await stream).body, 'ended');
    assert.deepEqual(ended, ['unauthenticated']);
    assert.equal(gateway.auth.revocations.size, 0);
  });
});

it('people stay signed in through two rotations of SESSION_SECRETS (D13)', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'pilothouse-auth-'));
  const standIn = await startStandIn();
  const secrets = [1, 2, 3].map((byte) => Buffer.alloc(32, byte).toString('base64url'));
  const cookies = new Map<string, string>();
  try {
    for (const [index, list] of [[0], [1, 0], [2, 1]].entries()) {
      const env = { SESSION_SECRETS: list.map((which) => secrets[which]).join(',') };
      await using gateway = await openAuthApp({ dataDir, standIn, env });
      const browser = gateway.browser();
      if (index === 0) await browser.signIn('mona');
      else for (const [name, value] of cookies) browser.cookies.set(name, value);
      const before = browser.cookies.get('sid');
      for (let request = 0; request < 3; request += 1) assert.equal(await statusOf(browser), 200);
      // Signed anew once, so that the old secret can go.
      if (index > 0) assert.notEqual(browser.cookies.get('sid'), before);
      assert.equal(browser.setCookies.length, index === 0 ? 2 : 1);
      cookies.set('sid', browser.cookies.get('sid') ?? '');
    }
    // A cookie under a secret that is gone is nobody's.
    await using gateway = await openAuthApp({ dataDir, standIn, env: { SESSION_SECRETS: secrets[0] ?? '' } });
    const browser = gateway.browser();
    browser.cookies.set('sid', cookies.get('sid') ?? '');
    assert.equal(await statusOf(browser), 401);
  } finally {
    await standIn.close();
    await rm(dataDir, { recursive: true });
  }
});
