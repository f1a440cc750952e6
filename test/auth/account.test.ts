import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { describe, it } from 'node:test';
import type { Store } from '../../src/store/store.ts';
import { type AuthApp, openAuthApp } from '../support/auth-app.ts';
import type { Browser } from '../support/auth-browser.ts';

async function signedIn(gateway: AuthApp, login = 'mona', userAgent = 'Testfox/1.0'): Promise<Browser> {
  const browser = gateway.browser();
  await browser.open(await browser.toCallback(login), { headers: { 'user-agent': userAgent } });
  assert.equal((await browser.api('GET', '/api/me')).statusCode, 200);
  return browser;
}

async function converse(store: Store, userId: string, chats: number, turns: number): Promise<string[]> {
  const chatIds: string[] = [];
  for (let index = 0; index < chats; index += 1) {
    const id = randomUUIDv7();
    chatIds.push(id);
    await store.chats.create({
      id,
      userId,
      sessionId: null,
      title: `chat ${index}`,
      model: null,
      systemPrompt: null,
      now: 1 + index,
    });
    for (let turn = 0; turn < turns; turn += 1) await sayOnce(store, userId, id, `words of ${userId}, ${turn}`);
  }
  return chatIds;
}

async function sayOnce(store: Store, userId: string, chatId: string, content: string): Promise<void> {
  const outcome = await store.turns.accept({
    ...{ turnId: randomUUIDv7(), messageId: randomUUIDv7(), userId, chatId, content, attachments: [], model: null },
    ...{ delivery: 'reject', background: false, idempotency: null, owner: 'me', now: Date.now() },
    limits: { turnsPerUser: 10, queuePerChat: 10 },
  });
  assert.ok(outcome.kind === 'accepted');
  const turnId = outcome.turn.id;
  const usage = {
    turnId,
    chatId,
    userId,
    model: 'm',
    inputTokens: 1,
    outputTokens: 1,
    cachedTokens: 0,
    cost: null,
    createdAt: Date.now(),
  };
  await store.turns.end({
    ...{
      turnId,
      fence: outcome.turn.fence,
      status: 'completed',
      error: null,
      model: 'm',
      frames: [],
      contextLost: false,
    },
    message: {
      id: randomUUIDv7(),
      content: `answer to ${content}`,
      model: 'm',
      status: 'complete',
      createdAt: Date.now(),
    },
    usage: [{ id: randomUUIDv7(), ...usage }],
    now: Date.now(),
  });
}

describe('the list of devices', () => {
  it('shows where I am signed in, which one this is, and nobody else’s', async () => {
    await using gateway = await openAuthApp();
    const laptop = await signedIn(gateway, 'mona', `Laptop ${'x'.repeat(500)}`);
    gateway.advance(1_000);
    const phone = await signedIn(gateway, 'mona', 'Phone');
    await signedIn(gateway, 'hubot');
    const { items, nextCursor } = (await phone.api('GET', '/api/me/sessions')).json();
    assert.equal(nextCursor, null);
    assert.deepEqual(
      items.map((item: { current: boolean }) => item.current),
      [true, false],
    );
    const { id, createdAt, lastSeenAt, expiresAt, ...rest } = items[0];
    assert.deepEqual(rest, { current: true, userAgent: 'Phone', address: '127.0.0.1' });
    assert.match(id, /^[0-9a-f-]{36}$/);
    assert.ok(Date.parse(createdAt) <= Date.parse(lastSeenAt) && Date.parse(lastSeenAt) < Date.parse(expiresAt));
    assert.equal(items[1].userAgent.length, 300);
    assert.equal((await laptop.api('GET', '/api/me/sessions')).json().items[1].current, true);
  });

  it('comes in pages', async () => {
    await using gateway = await openAuthApp();
    for (let device = 0; device < 5; device += 1) await signedIn(gateway);
    const browser = await signedIn(gateway);
    const seen: string[] = [];
    let path = '/api/me/sessions?limit=4';
    for (;;) {
      const { items, nextCursor } = (await browser.api('GET', path)).json();
      seen.push(...items.map((item: { id: string }) => item.id));
      if (nextCursor === null) break;
      path = `/api/me/sessions?limit=4&cursor=${nextCursor}`;
    }
    assert.equal(new Set(seen).size, 6);
    assert.equal(seen.length, 6);
    for (const query of ['limit=0', 'limit=101', 'cursor=nonsense', 'unknown=1']) {
      assert.equal((await browser.api('GET', `/api/me/sessions?${query}`)).statusCode, 400, query);
    }
  });

  it('lets me end one of mine, and nobody else’s', async () => {
    await using gateway = await openAuthApp();
    const [laptop, phone, other] = [await signedIn(gateway), await signedIn(gateway), await signedIn(gateway, 'hubot')];
    const { items } = (await laptop.api('GET', '/api/me/sessions')).json();
    const [current] = items.filter((item: { current: boolean }) => item.current);
    const [phoneItem] = items.filter((item: { current: boolean }) => !item.current);
    assert.equal((await other.api('DELETE', `/api/me/sessions/${phoneItem.id}`)).statusCode, 404);
    assert.equal((await laptop.api('DELETE', `/api/me/sessions/${phoneItem.id}`)).statusCode, 204);
    assert.equal((await phone.api('GET', '/api/me')).statusCode, 401);
    assert.equal((await laptop.api('DELETE', `/api/me/sessions/${phoneItem.id}`)).statusCode, 404);
    assert.equal((await laptop.api('DELETE', '/api/me/sessions/nothing')).statusCode, 404);
    assert.equal((await laptop.api('DELETE', `/api/me/sessions/${current.id}`)).statusCode, 204);
    assert.equal(laptop.cookies.size, 0);
  });

  it('lets me sign out everywhere: devices, turns and streams', async () => {
    await using gateway = await openAuthApp();
    const [laptop, phone, other] = [await signedIn(gateway), await signedIn(gateway), await signedIn(gateway, 'hubot')];
    const stillOpen = new AbortController();
    const [record] = await gateway.store.webSessions.list('1001', gateway.now(), 1e9);
    const proof = { kind: 'session' as const, sessionId: record?.publicId ?? '' };
    const stream = gateway.auth.revocations.signalFor(
      { userId: '1001', login: 'mona', proof } as never,
      stillOpen.signal,
    );
    gateway.advance(1);
    assert.equal((await laptop.api('DELETE', '/api/me/sessions')).statusCode, 204);
    assert.equal(stream.aborted, true);
    for (const browser of [laptop, phone]) assert.equal((await browser.api('GET', '/api/me')).statusCode, 401);
    assert.equal((await other.api('GET', '/api/me')).statusCode, 200);
    assert.deepEqual(gateway.revoked, [{ userId: '1001', code: 'unauthenticated' }]);
    assert.ok(((await gateway.store.users.find('1001'))?.validAfter ?? 0) > 0);
    gateway.advance(1);
    await signedIn(gateway);
  });
});

describe('the export', () => {
  it('has everything of mine, line by line, and no secret', async () => {
    await using gateway = await openAuthApp();
    const browser = await signedIn(gateway);
    await signedIn(gateway, 'hubot');
    await converse(gateway.store, '1001', 3, 2);
    await converse(gateway.store, '1002', 1, 1);
    await gateway.store.apiTokens.create({
      id: 't1',
      userId: '1001',
      name: 'cron',
      scopes: ['chats:read'],
      expiresAt: 9e12,
      now: 1,
    });
    const answer = await browser.api('GET', '/api/me/export');
    assert.equal(answer.statusCode, 200);
    assert.match(String(answer.headers['content-type']), /^application\/x-ndjson/);
    assert.match(String(answer.headers['content-disposition']), /^attachment/);
    const lines = answer.body
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const counts = Object.groupBy(lines, ({ type }) => type);
    const numbers = Object.fromEntries(Object.entries(counts).map(([type, list]) => [type, list?.length]));
    assert.deepEqual(numbers, {
      user: 1,
      credential: 1,
      session: 1,
      apiToken: 1,
      chat: 3,
      message: 12,
      turn: 6,
      usage: 6,
    });
    assert.doesNotMatch(answer.body, /words of 1002/);
    assert.doesNotMatch(answer.body, /gho_|eyJ|sealed|idHash/);
    const cookie = decodeURIComponent(browser.cookies.get('sid') ?? '');
    assert.ok(!answer.body.includes(cookie.split('.')[0] ?? '?'));
    assert.equal(gateway.auth.revocations.size, 0);
  });
});

describe('erasing my account', () => {
  it('removes everything here, in the runtimes and at GitHub, and ends the session', async () => {
    await using gateway = await openAuthApp();
    const [browser, phone, other] = [
      await signedIn(gateway),
      await signedIn(gateway),
      await signedIn(gateway, 'hubot'),
    ];
    const chatIds = await converse(gateway.store, '1001', 2, 1);
    const { credential } = await gateway.auth.credentials.runtimeUser('1001', new AbortController().signal);
    assert.ok(credential.kind === 'github' && gateway.standIn.isTokenLive(credential.token));

    const erased = await browser.api('DELETE', '/api/me');
    assert.deepEqual([erased.statusCode, erased.body], [204, '']);
    assert.equal(browser.cookies.size, 0);
    assert.equal(gateway.standIn.isTokenLive(credential.token), false);
    assert.equal(await gateway.store.users.find('1001'), null);
    assert.equal(await gateway.store.credentials.find('1001'), null);
    assert.deepEqual(gateway.revoked, [{ userId: '1001', code: 'unauthenticated' }]);
    assert.deepEqual(
      gateway.erased.map(({ userId, chatIds: ids }) => [userId, new Set(ids)]),
      [['1001', new Set(chatIds)]],
    );
    for (const gone of [browser, phone]) assert.equal((await gone.api('GET', '/api/me')).statusCode, 401);
    assert.equal((await other.api('GET', '/api/me')).statusCode, 200);
    // Someone who comes back begins anew.
    gateway.advance(1);
    await signedIn(gateway);
    assert.deepEqual((await gateway.store.chats.list('1001', { limit: 10 })).items, []);
  });

  it('does not wait for a GitHub that is down', async () => {
    await using gateway = await openAuthApp();
    const browser = await signedIn(gateway);
    gateway.standIn.setGitHubFault({ down: true });
    assert.equal((await browser.api('DELETE', '/api/me')).statusCode, 204);
    assert.equal(await gateway.store.users.find('1001'), null);
  });

  it('is not something another site can cause', async () => {
    await using gateway = await openAuthApp();
    const browser = await signedIn(gateway);
    const answer = await browser.send('DELETE', '/api/me', { headers: { 'sec-fetch-site': 'cross-site' } });
    assert.deepEqual([answer.statusCode, answer.json().code], [403, 'cross_origin_refused']);
    assert.notEqual(await gateway.store.users.find('1001'), null);
  });
});
