/** A database that answers late: slow for all it is only slow, slower than a request may wait it is told so. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'kysely';
import type { Database } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/open-store.ts';
import { startTestCluster, type TestCluster } from '../support/cluster.ts';
import { all, type Browser } from '../support/http-browser.ts';
import { assertWhole, historyOf, newChat, textOf, timed } from '../turns/support/turns.ts';

describe('Statements that take long, under two instances', { timeout: 90_000 }, () => {
  let t: TestCluster;
  let here: Browser;
  let there: Browser;
  let database: Database;

  before(async () => {
    t = await startTestCluster();
    [here, there] = (await t.signIn('mona')) as [Browser, Browser];
    database = openDatabase({ kind: 'postgres', url: t.databaseUrl });
  });
  after(async () => {
    await database.close();
    await t.close();
  });

  /** From now on `event` of a row of `table` takes so long where `condition` holds. */
  async function slow(
    table: string,
    { event, seconds, condition }: { event: string; seconds: number; condition: string },
  ) {
    const statements = [
      `create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(${seconds}); return new; end $$`,
      `create trigger slow before ${event} on ${table} for each row when (${condition}) execute function slow()`,
    ];
    for (const statement of statements) await sql.raw(statement).execute(database.read);
  }

  const fast = () => sql.raw('drop function slow cascade').execute(database.read);

  it('are waited for: a stream is late and whole', async () => {
    const chat = await newChat(here);
    await slow('turn_events', { event: 'insert', seconds: 0.3, condition: 'true' });
    try {
      const events = await all(here.say(chat, '[[tokens:60]] [[pace:20]]'));
      assertWhole(events);
      assert.equal(events.at(-1)?.event, 'turn.completed');
      assert.equal((await historyOf(there, chat))[1].content, textOf(events));
    } finally {
      await fast();
    }
  });

  it('are given up after ten seconds, with nothing half done, and the others go on', async () => {
    const others = (await t.signIn('hubot')) as [Browser, Browser];
    const [stuck, free] = [await newChat(here), await newChat(others[0])];
    await slow('turns', { event: 'insert', seconds: 60, condition: `new.chat_id = '${stuck}'` });
    try {
      const refused = timed(here.post(`/api/chats/${stuck}/messages`, { content: 'refused' }));
      const answers = await Promise.all(
        others.map((browser) => browser.post(`/api/chats/${free}/messages`, { content: 'on', delivery: 'queue' })),
      );
      for (const { status, text } of answers) assert.equal(status, 200, text);
      const { value, ms } = await refused;
      assert.equal(value.body.code, 'store_unavailable', value.text);
      assert.equal(value.status, 503);
      assert.ok(Number(value.headers.get('retry-after')) <= 2);
      assert.ok(ms < 12_000, `it took ${ms} ms`);
    } finally {
      await fast();
    }
    assert.deepEqual(await historyOf(there, stuck), []);
    assert.equal((await there.post(`/api/chats/${stuck}/messages`, { content: 'taken' })).status, 200);
    assert.equal((await historyOf(here, stuck)).length, 2);
  });
});
