/**
 * In the middle of a deploy: a newer version has brought the schema up to date, and instances of this one still run. What a
 * newer version may do to the schema is in `migrations/migration.ts`: it adds. An instance of this version that starts then
 * is refused, so the deploy has to go through.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { tablesOf } from '../../scripts/copy-store-tables.ts';
import { MIGRATIONS } from '../../src/store/migrations/migrations.ts';
import { migrate } from '../../src/store/migrator.ts';
import { openDatabase } from '../../src/store/open-store.ts';
import { SHARED_SECRETS, startTestCluster, type TestCluster } from '../support/cluster.ts';
import { startTestGateway } from '../support/gateway.ts';
import { all, Browser } from '../support/http-browser.ts';
import { makeToken } from '../support/programs.ts';
import { assertWhole, endOf, follow, historyOf, newChat, readUntil, startTurn } from '../turns/support/turns.ts';

describe('Two instances of this version under a newer one’s schema', { timeout: 120_000 }, () => {
  let t: TestCluster;
  let here: Browser;
  let there: Browser;

  before(async () => {
    t = await startTestCluster();
    [here, there] = (await t.signIn('mona')) as [Browser, Browser];
  });
  after(() => t.close());

  it('go on with all that people do, with turns that run meanwhile, and a third that starts is refused', async () => {
    // Before it, so that every connection knows the statements by the tables as they were.
    for (const browser of [here, there]) for (let round = 0; round < 3; round += 1) await everything(browser);
    const chat = await newChat(here);
    const seen = await readUntil(here.say(chat, '[[tokens:100]] [[pace:20]]'), ({ id }) => (id ?? 0) >= 10);
    const turnId = seen[0]?.data.turn.id;

    await deployNewer();
    const events = await all(follow(there, turnId));
    assertWhole(events);
    assert.equal(events.at(-1)?.event, 'turn.completed');
    for (const browser of [here, there]) for (let round = 0; round < 3; round += 1) await everything(browser);
    const next = await there.post(`/api/chats/${chat}/messages`, { content: 'What did I say before?' });
    assert.match(next.body.message?.content ?? next.text, /tokens:100/);
    const log = t.instances.flatMap(({ logLines }) => logLines).filter((line) => /cached plan|42703|42P01/.test(line));
    assert.deepEqual(log, []);
    const third = startTestGateway({
      sharedStandIn: t.standIn,
      env: { DATABASE_URL: t.databaseUrl, ...SHARED_SECRETS },
    });
    await assert.rejects(third, /newer than the \d+ this gateway knows: start the newer gateway/);
  });

  /** A column more on every table, and one table more. */
  async function deployNewer(): Promise<void> {
    const database = openDatabase({ kind: 'postgres', url: t.databaseUrl });
    try {
      const tables = (await tablesOf(database)).filter((name) => name !== 'schema_migrations');
      const statements = [
        'create table newer (id bigint primary key, user_id text references users (id) on delete cascade)',
        ...tables.map((name) => `alter table ${name} add column newer text`),
      ];
      await migrate(database, [
        ...MIGRATIONS,
        { version: MIGRATIONS.length + 1, name: 'newer', statements: () => statements },
      ]);
    } finally {
      await database.close();
    }
  }

  async function everything(browser: Browser): Promise<void> {
    const ok = async (answering: ReturnType<Browser['get']>) => {
      const answer = await answering;
      assert.ok(answer.status < 300, `${answer.status} ${answer.text}`);
      return answer.body;
    };
    const chat = await newChat(browser, { title: 'Whales', systemPrompt: 'Be short.' });
    await ok(
      browser.post(`/api/chats/${chat}/messages`, { content: 'humpbacks' }, { 'idempotency-key': crypto.randomUUID() }),
    );
    await ok(browser.patch(`/api/chats/${chat}`, { title: 'More whales', pinned: true }));
    assert.equal((await historyOf(browser, chat)).length, 2);
    assert.ok((await ok(browser.get('/api/chats?q=humpb'))).items.some(({ id }: { id: string }) => id === chat));
    const [, answer] = await historyOf(browser, chat);
    const fork = await ok(browser.post(`/api/chats/${chat}/fork`, { messageId: answer.id }));
    await ok(browser.post(`/api/chats/${fork.id}/messages`, { content: 'and on' }));
    const background = await startTurn(browser, chat, 'in the background');
    assert.equal((await endOf(browser, background.id)).status, 'completed');
    const { id, token } = await makeToken(browser);
    await ok(new Browser(browser.url).get('/api/chats', { authorization: `Bearer ${token}` }));
    await ok(browser.get('/api/tokens'));
    await ok(browser.delete(`/api/tokens/${id}`));
    for (const path of ['/api/me', '/api/me/sessions', '/api/usage', '/api/me/export', `/api/chats/${chat}/export`])
      await ok(browser.get(path));
    await ok(browser.delete(`/api/chats/${chat}`));
    const other = new Browser(browser.url);
    await other.signIn(t.standIn, 'hubot');
    await ok(other.get('/api/me'));
    await ok(other.post('/auth/logout'));
    assert.equal((await browser.get('/readyz')).status, 200);
  }
});
