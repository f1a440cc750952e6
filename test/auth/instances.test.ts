/** Two instances of the gateway on one PostgreSQL: what one of them does, the other must know. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type StandIn, startStandIn } from '../../src/demo/stand-in.ts';
import { principal } from '../../src/principal.ts';
import { type AuthApp, openAuthApp } from '../support/auth-app.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';

const never = new AbortController().signal;

describe('two instances on one database', () => {
  let server: PostgresServer;
  let standIn: StandIn;
  let [one, two]: AuthApp[] = [];
  before(async () => {
    [server, standIn] = await Promise.all([startPostgres(), startStandIn({ tokens: 'expiring' })]);
    const env = { DATABASE_URL: await server.createDatabase() };
    one = await openAuthApp({ standIn, env, sweepMs: 50 });
    two = await openAuthApp({ standIn, env, sweepMs: 50 });
  });
  after(async () => {
    await one?.[Symbol.asyncDispose]();
    await two?.[Symbol.asyncDispose]();
    await standIn?.close();
    await server?.close();
  });
  const both = (): [AuthApp, AuthApp] => {
    assert.ok(one && two);
    return [one, two];
  };
  const exchanges = () => standIn.requests.filter(({ path }) => path === '/login/oauth/access_token').length;

  it('a sign-in begun on one ends on the other, once', async () => {
    const [first, second] = both();
    const [here, there] = [first.browser(), second.browser()];
    const callback = await here.toCallback('mona', '/x');
    for (const [name, value] of here.cookies) there.cookies.set(name, value);
    const replay = new Map(here.cookies);
    assert.equal((await there.open(callback)).headers.location, '/x');
    for (const [name, value] of replay) here.cookies.set(name, value);
    assert.equal((await here.open(callback)).statusCode, 400);
    for (const [name, value] of there.cookies) here.cookies.set(name, value);
    assert.equal((await here.api('GET', '/api/me')).statusCode, 200);
  });

  it('a state that failed on one is used up on the other, before anything is exchanged', async () => {
    const [first, second] = both();
    const [here, there] = [first.browser(), second.browser()];
    const callback = await here.toCallback('mona');
    const cookies = new Map(here.cookies);
    standIn.setGitHubFault({ down: true });
    assert.equal((await here.api('GET', callback)).statusCode, 502);
    standIn.setGitHubFault(null);
    for (const [name, value] of cookies) there.cookies.set(name, value);
    const before = exchanges();
    assert.equal((await there.api('GET', callback)).statusCode, 400);
    assert.equal(exchanges(), before);
  });

  it('a state is used up before the code is exchanged, not after', async () => {
    const [first, second] = both();
    const [here, there] = [first.browser(), second.browser()];
    const callback = await here.toCallback('mona');
    for (const [name, value] of here.cookies) there.cookies.set(name, value);
    const before = exchanges();
    standIn.setGitHubFault({ slowMs: 1_000, pathPrefix: '/login/oauth/access_token' });
    const slow = here.open(callback);
    while (exchanges() === before) await new Promise(setImmediate);
    assert.equal((await there.api('GET', callback)).statusCode, 400);
    standIn.setGitHubFault(null);
    assert.equal((await slow).statusCode, 302);
    assert.equal(exchanges(), before + 1);
  });

  it('an expiring token is renewed once for all of both', async () => {
    const [first, second] = both();
    await first.browser().signIn('hubot');
    const before = exchanges();
    for (const app of [first, second]) app.advance(7 * 3_600_000 + 56 * 60_000);
    const users = await Promise.all(
      Array.from({ length: 40 }, (_, index) => both()[index % 2]?.auth.credentials.runtimeUser('1002', never)),
    );
    assert.equal(exchanges() - before, 1);
    for (const user of users) assert.deepEqual(user, users[0]);
  });

  it('a sign-out everywhere on one ends streams on the other', async () => {
    const [first, second] = both();
    const browser = first.browser();
    await browser.signIn('octavia');
    const [record] = await first.store.webSessions.list('1003', first.now(), 1e12);
    const proof = { kind: 'session' as const, sessionId: record?.publicId ?? '' };
    const stream = second.auth.revocations.signalFor(principal({ userId: '1003', login: 'octavia', proof }), never);
    const ended = new Promise((resolve) => stream.addEventListener('abort', resolve));
    first.advance(1);
    const began = performance.now();
    assert.equal((await browser.api('DELETE', '/api/me/sessions')).statusCode, 204);
    await ended;
    assert.ok(performance.now() - began < 5_000);
  });
});
