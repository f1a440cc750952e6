/** How many connections of the database an instance takes: what an operator reckons with (docs/scaling.md). */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import pg from 'pg';
import { startTestCluster, type TestCluster } from '../support/cluster.ts';
import type { Browser } from '../support/http-browser.ts';
import { endOf, newChat, startTurn } from '../turns/support/turns.ts';

/** By what they are for, as docs/scaling.md says. */
const MOST: Record<string, number> = { pilothouse: 10 + 8, 'pilothouse-notices': 1, 'pilothouse-jobs': 2 + 1 };

let t: TestCluster;
let watcher: pg.Client;

before(async () => {
  t = await startTestCluster({ instances: 1, env: { TURNS_PER_USER: '50' } });
  watcher = new pg.Client({ connectionString: t.databaseUrl, application_name: 'watcher' });
  await watcher.connect();
});
after(async () => {
  await watcher.end();
  await t.close();
});

async function connections(): Promise<Record<string, number>> {
  const { rows } = await watcher.query(`select application_name as name, count(*)::int as n from pg_stat_activity
    where datname = current_database() and application_name <> 'watcher' group by 1`);
  return Object.fromEntries(rows.map(({ name, n }) => [name, n]));
}

it('An instance takes no more connections than it says, however much is asked of it', async (context) => {
  const idle = await connections();
  const people = await Promise.all(
    ['mona', 'hubot', 'octavia'].map(async (login) => (await t.signIn(login))[0] as Browser),
  );
  const most: Record<string, number> = {};
  let working = true;
  const watching = (async () => {
    while (working)
      for (const [name, n] of Object.entries(await connections())) most[name] = Math.max(most[name] ?? 0, n);
  })();
  await Promise.all(
    people.map(async (browser) => {
      const chats = await Promise.all(Array.from({ length: 12 }, () => newChat(browser)));
      const turns = await Promise.all(chats.map((chat) => startTurn(browser, chat, '[[tokens:20]]')));
      await Promise.all([
        ...Array.from({ length: 40 }, () => browser.get('/api/chats')),
        ...chats.map((chat) => browser.post(`/api/chats/${chat}/messages`, { content: 'and', delivery: 'queue' })),
      ]);
      for (const { id } of turns) await endOf(browser, id);
    }),
  );
  working = false;
  await watching;
  context.diagnostic(`idle ${JSON.stringify(idle)}, at most ${JSON.stringify(most)}`);
  assert.deepEqual(new Set(Object.keys(most)), new Set(Object.keys(MOST)), 'each has a name an operator can tell');
  for (const [name, n] of Object.entries(most)) assert.ok(n <= (MOST[name] ?? 0), `${name}: ${n}`);
  assert.equal(most.pilothouse, 10, 'the pool was full');
});
