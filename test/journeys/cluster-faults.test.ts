/** What fails among instances: one dies, one stops and wakes again, clocks disagree, the database goes away. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'kysely';
import pg from 'pg';
import { openDatabase } from '../../src/store/open-store.ts';
import { SHARED_SECRETS, startTestCluster, type TestCluster } from '../support/cluster.ts';
import { startTestGateway } from '../support/gateway.ts';
import { all, type Browser } from '../support/http-browser.ts';
import { InstanceProcess } from '../support/instance-process.ts';
import { startPostgres } from '../support/postgres.ts';
import {
  endOf,
  follow,
  historyOf,
  newChat,
  readUntil,
  startTurn,
  textOf,
  timed,
  until,
} from '../turns/support/turns.ts';

const TEN_MINUTES = 600_000;

describe('One of several instances', { timeout: 180_000, concurrency: true }, () => {
  let t: TestCluster;
  let stopped: InstanceProcess;
  let killed: InstanceProcess;

  before(async () => {
    // The machine of the first is ten minutes ahead: it must not matter to anyone.
    t = await startTestCluster({ clocks: [() => Date.now() + TEN_MINUTES], env: { BACKGROUND_TURNS: '0' } });
    [stopped, killed] = [1, 2].map(
      (index) => new InstanceProcess({ ...t.env, DATA_DIR: `${t.instances[0]?.dataDir}/${index}` }),
    ) as [InstanceProcess, InstanceProcess];
    await Promise.all([stopped.start(), killed.start()]);
  });
  after(async () => {
    await Promise.all([stopped.kill(), killed.kill()]);
    await t.close();
  });

  async function longTurn(browser: Browser): Promise<{ chat: string; turnId: string }> {
    const chat = await newChat(browser);
    const seen = await readUntil(browser.say(chat, '[[tokens:3000]] [[pace:30]]'), ({ id }) => (id ?? 0) >= 10);
    return { chat, turnId: seen[0]?.data.turn.id };
  }

  it('is not taken for dead by one whose clock is ten minutes ahead', async () => {
    const [here, there] = (await t.signIn('mona')) as [Browser, Browser];
    const { turnId } = await longTurn(there);
    const beat = async () =>
      Number((await rows(t, sql`select heartbeat_at as n from turns where id = ${turnId}`))[0]?.n);
    const first = await beat();
    assert.ok(Math.abs(first - Date.now()) < TEN_MINUTES / 2, 'signs of life are by the database’s clock');
    // Longer than it takes the other to look after the dead, twice.
    await until('signs of life over 21 s', async () => (await beat()) - first > 21_000, 60_000);
    assert.equal((await here.get(`/api/turns/${turnId}`)).body.status, 'running');
    await there.post(`/api/turns/${turnId}/cancel`);
    assert.equal((await endOf(here, turnId)).status, 'cancelled');
  });

  it('stands still and wakes up: another has ended its turn, and it writes nothing more', async () => {
    const [here] = (await t.signIn('hubot')) as [Browser];
    const { chat, turnId } = await longTurn(t.at(here, stopped.url));
    stopped.pause();
    const { value: ended, ms } = await timed(until('the interruption', () => endedTurn(here, turnId), 40_000));
    assert.equal(ended.status, 'interrupted');
    assert.ok(ms < 30_000, `noticed after ${Math.round(ms)} ms`);
    const answer = await here.post(`/api/chats/${chat}/messages`, { content: 'go on' });
    assert.equal(answer.status, 200, answer.text);
    const files = () =>
      rows(t, sql`select path, size, modified_at from session_files where chat_id = ${chat} order by path`);
    const before = [await historyOf(here, chat), await all(follow(here, turnId)), await files()];
    stopped.resume();
    await until('it lets go', async () => (await stopped.running()) === 0);
    assert.deepEqual([await historyOf(here, chat), await all(follow(here, turnId)), await files()], before);
    const next = await here.post(`/api/chats/${chat}/messages`, { content: 'What did I say before?' });
    assert.match(next.body.message.content, /go on/);
  });

  it('is killed: another ends its turn within 30 s with what was said, and the chat goes on there', async () => {
    const [here] = (await t.signIn('octavia')) as [Browser];
    const there = t.at(here, killed.url);
    const { chat, turnId } = await longTurn(there);
    const waiting = await startTurn(there, chat, 'and then?', { delivery: 'queue' });
    await readUntil(follow(here, turnId), ({ event }) => event === 'message.delta');
    const follower = all(follow(here, turnId));
    await killed.kill();
    const { value: events, ms } = await timed(follower);
    assert.equal(events.at(-1)?.event, 'turn.interrupted');
    assert.ok(ms < 30_000, `noticed after ${Math.round(ms)} ms`);
    const [question, answer] = await historyOf(here, chat);
    assert.equal(question.role, 'user');
    assert.equal(answer.status, 'partial');
    assert.equal(answer.content, textOf(events));
    assert.equal((await endOf(here, waiting.id)).status, 'completed', 'what waited behind it runs here');
  });

  async function endedTurn(browser: Browser, turnId: string) {
    const { body } = await browser.get(`/api/turns/${turnId}`);
    return body.endedAt === null ? null : body;
  }
});

describe('The database under two instances', { timeout: 120_000 }, () => {
  let t: TestCluster;
  before(async () => {
    t = await startTestCluster();
  });
  after(() => t.close());

  it('goes away and comes back: refused soon, nothing acknowledged is lost, turns go on, nobody is restarted', async () => {
    const [here, there] = (await t.signIn('mona')) as [Browser, Browser];
    const chat = await newChat(here);
    const running = await newChat(here);
    const [started] = await readUntil(here.say(running, '[[tokens:150]] [[pace:20]]'), ({ id }) => (id ?? 0) >= 5);
    const acknowledged = await startTurn(there, chat, 'kept');
    await endOf(there, acknowledged.id);
    await t.server.stop();
    for (const browser of [here, there]) {
      const { value, ms } = await timed(browser.post(`/api/chats/${chat}/messages`, { content: 'refused' }));
      assert.equal(value.status, 503, value.text);
      assert.equal(value.body.code, 'store_unavailable');
      assert.ok(Number(value.headers.get('retry-after')) <= 2);
      assert.ok(ms < 5_000, `it took ${ms} ms`);
    }
    await t.server.start();
    await until('both answer', async () => {
      const answers = await Promise.all([here, there].map((browser) => browser.get('/api/chats')));
      return answers.every(({ status }) => status === 200);
    });
    const ended = await endOf(there, started?.data.turn.id);
    assert.equal(ended.status, 'completed', 'the turn that ran meanwhile was not taken for dead');
    const said = (await historyOf(there, chat)).map(({ content }) => content);
    assert.equal(said[0], 'kept');
    assert.ok(!said.includes('refused'));
    const follower = all(follow(there, (await startTurn(here, chat, 'after')).id));
    assert.equal((await follower).at(-1)?.event, 'turn.completed');
    await until('background work is handed out again', async () => {
      const turn = await startTurn(there, await newChat(there), 'background');
      return (await endOf(there, turn.id)).status === 'completed';
    });
  });

  it('is slow: whoever waits for a locked row is told so, the others go on', async () => {
    const [here, there] = (await t.signIn('hubot')) as [Browser, Browser];
    const [locked, free] = [await newChat(here), await newChat(here)];
    const database = openDatabase({ kind: 'postgres', url: t.databaseUrl });
    await database.transaction(async (trx) => {
      await sql`select 1 from chats where id = ${locked} for update`.execute(trx);
      const [refused, read] = await Promise.all([
        timed(here.post(`/api/chats/${locked}/messages`, { content: 'refused' })),
        there.get(`/api/chats/${free}/messages`),
      ]);
      assert.equal(refused.value.body.code, 'store_unavailable', refused.value.text);
      assert.ok(refused.ms < 5_000, `it took ${refused.ms} ms`);
      assert.equal(read.status, 200);
    });
    await database.close();
    assert.equal((await here.post(`/api/chats/${locked}/messages`, { content: 'taken' })).status, 200);
  });
});

describe('A database that gives no more connections', { timeout: 60_000 }, () => {
  it('refuses soon, and is well again when there are some', async () => {
    const server = await startPostgres();
    const url = new URL(await server.createDatabase());
    const name = url.pathname.slice(1);
    const admin = openDatabase({ kind: 'postgres', url: url.href });
    await sql.raw("create role limited login password 'limited' connection limit 16").execute(admin.read);
    await sql.raw(`alter database ${name} owner to limited`).execute(admin.read);
    [url.username, url.password] = ['limited', 'limited'];
    const t = await startTestGateway({ env: { DATABASE_URL: url.href, ...SHARED_SECRETS } });
    const taken: pg.Client[] = [];
    try {
      const mona = await t.signIn('mona');
      const theirs = sql`select pg_terminate_backend(pid) from pg_stat_activity
        where usename = 'limited' and application_name = 'pilothouse'`;
      do await takeAll(url.href, taken);
      while ((await theirs.execute(admin.read)).rows.length > 0);
      const { value, ms } = await timed(mona.get('/api/chats'));
      assert.equal(value.body.code, 'store_unavailable', value.text);
      assert.ok(ms < 5_000, `it took ${ms} ms`);
      await Promise.all(taken.splice(0).map((client) => client.end()));
      await until('it answers', async () => (await mona.get('/api/chats')).status === 200);
    } finally {
      await Promise.all(taken.map((client) => client.end()));
      await admin.close();
      await t.close();
      await server.close();
    }
  });
});

/** Takes connections until there are none. */
async function takeAll(url: string, taken: pg.Client[]): Promise<void> {
  for (;;) {
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
    } catch {
      return; // none was left
    }
    taken.push(client);
  }
}

async function rows(
  t: TestCluster,
  query: ReturnType<typeof sql<Record<string, unknown>>>,
): Promise<Record<string, unknown>[]> {
  const database = openDatabase({ kind: 'postgres', url: t.databaseUrl });
  try {
    return (await query.execute(database.read)).rows;
  } finally {
    await database.close();
  }
}
