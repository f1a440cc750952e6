/** Two instances, one person: what changes on one shows on the other, what ends on one ends on the other. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'kysely';
import { runAdmin } from '../../scripts/admin.ts';
import { openDatabase } from '../../src/store/open-store.ts';
import { startTestCluster, type TestCluster } from '../support/cluster.ts';
import { all, Browser, type SseEvent } from '../support/http-browser.ts';
import { makeToken } from '../support/programs.ts';
import { endOf, follow, newChat, readUntil, startTurn, timed, until } from '../turns/support/turns.ts';

/** Rights that end are felt everywhere within this. */
const FELT_MS = 5_000;

/** Events of `GET /api/events` as they come. */
function listen(
  browser: Browser,
  headers: Record<string, string> = {},
): { events: SseEvent[]; ready: Promise<void>; ended: Promise<void> } {
  const events: SseEvent[] = [];
  const ready = Promise.withResolvers<void>();
  const ended = (async () => {
    const response = await browser.fetch('/api/events', { headers: { accept: 'text/event-stream', ...headers } });
    assert.equal(response.status, 200);
    const stream = response.body?.pipeThrough(
      new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>,
    );
    let text = '';
    for await (const chunk of stream ?? []) {
      ready.resolve();
      text += chunk;
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const frame = text.slice(0, end);
        text = text.slice(end + 2);
        const [, event] = /^event: (.*)$/m.exec(frame) ?? [];
        const [, data] = /^data: (.*)$/m.exec(frame) ?? [];
        if (event !== undefined) events.push({ id: null, event, data: JSON.parse(data ?? 'null') });
      }
    }
  })();
  return { events, ready: ready.promise, ended };
}

/** As if eight hours had passed: what GitHub gave has a second left. */
async function endTokensSoon(url: string): Promise<void> {
  const database = openDatabase({ kind: 'postgres', url });
  await sql`update credentials set expires_at = ${Date.now() + 1_000}`.execute(database.read);
  await database.close();
}

describe('A person on two instances', { timeout: 120_000 }, () => {
  let t: TestCluster;

  before(async () => {
    t = await startTestCluster({ standIn: { tokens: 'expiring' }, env: { ADMIN_USERS: 'mona' } });
  });
  after(() => t.close());

  it('sees in one tab what the other did, within a second and with the rows as they are', async () => {
    const [here, there] = (await t.signIn('mona')) as [Browser, Browser];
    const tab = listen(there);
    await tab.ready;
    const chat = await newChat(here, { title: 'Whales' });
    await here.patch(`/api/chats/${chat}`, { title: 'More whales' });
    const turn = await here.post(`/api/chats/${chat}/messages`, { content: 'hello' });
    await here.delete(`/api/chats/${chat}`);
    await until('the deletion', () => tab.events.find(({ event }) => event === 'chat.deleted'));
    const kinds = tab.events.map(({ event }) => event);
    assert.deepEqual(kinds.filter((kind) => kind.startsWith('chat.')).slice(0, 2), ['chat.created', 'chat.updated']);
    assert.equal(tab.events.find(({ event }) => event === 'chat.updated')?.data.chat.title, 'More whales');
    assert.equal(tab.events.find(({ event }) => event === 'turn.ended')?.data.turn.id, turn.body.turn.id);
    assert.equal(tab.events.at(-1)?.data.id, chat);
  });

  it('hears nothing of anybody else', async () => {
    const [here] = (await t.signIn('mona')) as [Browser, Browser];
    const [, other] = (await t.signIn('hubot')) as [Browser, Browser];
    const tab = listen(other);
    await tab.ready;
    await newChat(here);
    const mine = await newChat(other);
    await until('their own', () => tab.events.length > 0);
    assert.deepEqual(
      tab.events.map(({ data }) => data.chat.id),
      [mine],
    );
  });

  it('signs out on one: streams on the other end at once', async () => {
    const [here, there] = (await t.signIn('octavia')) as [Browser, Browser];
    const tab = listen(there);
    await tab.ready;
    const { ms } = await timed(Promise.all([here.post('/auth/logout'), tab.ended]));
    assert.ok(ms < 1_500, `it took ${ms} ms`);
    assert.equal((await there.get('/api/me')).status, 401);
  });

  it('signs out everywhere on one: what runs on the other ends', async () => {
    const [here, there] = (await t.signIn('octavia')) as [Browser, Browser];
    const chat = await newChat(there);
    const stream = there.say(chat, '[[tokens:2000]] [[pace:20]]');
    const [started] = await readUntil(stream, ({ event }) => event === 'turn.started');
    const followed = follow(there, started?.data.turn.id);
    await followed.next();
    const { ms } = await timed(Promise.all([here.delete('/api/me/sessions'), all(followed)]));
    assert.ok(ms < 4_000, `it took ${ms} ms`);
    await until('nothing runs there any more', () => t.instances[1]?.gateway.engine.running === 0, 5_000);
    const [again] = (await t.signIn('octavia')) as [Browser, Browser];
    const turn = (await again.get(`/api/turns/${started?.data.turn.id}`)).body;
    assert.match(turn.status, /^(failed|cancelled)$/);
  });

  it('revokes an API token on one: its streams on the other end, and it opens nothing there any more', async () => {
    const [here, there] = (await t.signIn('mona')) as [Browser, Browser];
    const { id, token } = await makeToken(here);
    const program = new Browser(there.url);
    const authorization = { authorization: `Bearer ${token}` };
    assert.equal((await program.get('/api/chats', authorization)).status, 200, 'it is known there');
    const tab = listen(program, authorization);
    await tab.ready;
    const { ms } = await timed(Promise.all([here.delete(`/api/tokens/${id}`), tab.ended]));
    assert.ok(ms < FELT_MS, `it took ${ms} ms`);
    await until('it is refused', async () => (await program.get('/api/chats', authorization)).status === 401, FELT_MS);
    assert.equal((await there.get('/api/me')).status, 200, 'the person stays signed in');
  });

  it('is blocked by an operator on one: streams and turns on the other end, and nothing is let in', async () => {
    const [here, there] = (await t.signIn('samuel')) as [Browser, Browser];
    const { id: userId } = (await here.get('/api/me')).body;
    const tab = listen(there);
    await tab.ready;
    const chat = await newChat(there);
    const stream = there.say(chat, '[[tokens:2000]] [[pace:20]]');
    const [started] = await readUntil(stream, ({ event }) => event === 'turn.started');
    const followed = follow(there, started?.data.turn.id);
    await followed.next();
    const env = { ...t.env, PORT: new URL(here.url).port };
    const { ms } = await timed(Promise.all([runAdmin(['block', userId], env), all(followed), tab.ended]));
    assert.ok(ms < FELT_MS, `it took ${ms} ms`);
    await until('it is refused', async () => (await there.get('/api/me')).status === 401, FELT_MS);
    await until('nothing runs there any more', () => t.instances[1]?.gateway.engine.running === 0, FELT_MS);
  });

  it('has an expiring token renewed once, however many turns ask on both', async () => {
    const [here, there] = (await t.signIn('hubot')) as [Browser, Browser];
    const chats = await Promise.all(Array.from({ length: 6 }, () => newChat(here)));
    const exchanges = () => t.standIn.requests.filter(({ path }) => path === '/login/oauth/access_token').length;
    const before = exchanges();
    await endTokensSoon(t.databaseUrl);
    const turns = await Promise.all(
      chats.map((chat, index) => startTurn(index % 2 === 0 ? here : there, chat, 'hello')),
    );
    for (const { id } of turns) assert.equal((await endOf(here, id)).status, 'completed');
    assert.equal(exchanges() - before, 1);
  });
});

describe('Requests of one person on two instances', { timeout: 60_000 }, () => {
  it('are counted together', async () => {
    const t = await startTestCluster({ env: { RATE_LIMIT_PER_MINUTE: '60' } });
    try {
      const [here, there] = (await t.signIn('mona')) as [Browser, Browser];
      const limited = async (browser: Browser) => (await browser.get('/api/me')).status === 429;
      // One alone may take 60 in a window; when the two have taken their turns, the sum is what counts.
      let taken = 0;
      await until('the limit', async () => {
        taken += 2;
        const [a, b] = [await limited(here), await limited(there)];
        return a && b;
      });
      assert.ok(taken < 118, `${taken} requests passed`);
    } finally {
      await t.close();
    }
  });
});
