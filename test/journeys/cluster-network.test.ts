/** The network between one instance and the database fails: that one says so and comes back, the other goes on. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'kysely';
import { openDatabase } from '../../src/store/open-store.ts';
import { startTestCluster, type TestCluster } from '../support/cluster.ts';
import { type CuttableNetwork, openNetwork } from '../support/cuttable-network.ts';
import { all, type Browser } from '../support/http-browser.ts';
import {
  assertWhole,
  endOf,
  follow,
  historyOf,
  newChat,
  readUntil,
  startTurn,
  timed,
  until,
} from '../turns/support/turns.ts';

/** A statement that is under way is given up after 11 s by the instance's own clock. */
const GIVEN_UP_MS = 15_000;

describe('The network between one of two instances and the database', { timeout: 240_000 }, () => {
  let t: TestCluster;
  let network: CuttableNetwork;
  let here: Browser;
  let there: Browser;

  before(async () => {
    t = await startTestCluster({
      envOf: async (url, instance) => {
        // Background turns are the second one's, so that it is seen whether it works.
        if (instance === 0) return { BACKGROUND_TURNS: '0' };
        const way = new URL(url);
        network = await openNetwork(Number(way.port));
        way.port = String(network.port);
        return { DATABASE_URL: way.href };
      },
    });
    [here, there] = (await t.signIn('mona')) as [Browser, Browser];
  });
  after(async () => {
    network.mend();
    const { ms } = await timed(t.close());
    await network.close();
    assert.ok(ms < 15_000, `connections that are silent for ever kept it from leaving for ${ms} ms`);
  });

  const isReady = async (browser: Browser) => (await browser.get('/readyz')).status === 200;

  /** A turn that the second instance runs and somebody follows on the first; its answer is longer than the network is away. */
  async function running(): Promise<{ chat: string; turnId: string; followed: Promise<unknown[]> }> {
    const chat = await newChat(there);
    const seen = await readUntil(there.say(chat, '[[tokens:3000]] [[pace:30]]'), ({ id }) => (id ?? 0) >= 10);
    const turnId = seen[0]?.data.turn.id;
    await readUntil(follow(here, turnId), ({ event }) => event === 'message.delta');
    return { chat, turnId, followed: all(follow(here, turnId)) };
  }

  for (const [how, fail] of [
    ['breaks', () => network.cut()],
    ['goes silent', () => network.freeze()],
  ] as const) {
    it(`${how}: refused there, served here, and nothing lost, doubled or written late`, async () => {
      const [chat, { chat: torn, turnId, followed }] = [await newChat(here), await running()];
      const before = await startTurn(there, chat, 'kept before');
      await endOf(there, before.id);
      fail();
      const refusals = await Promise.all(
        [0, 1, 2].map((index) => timed(there.post(`/api/chats/${chat}/messages`, { content: `refused ${index}` }))),
      );
      for (const { value, ms } of refusals) {
        assert.equal(value.status, 503, value.text);
        assert.equal(value.body.code, 'store_unavailable');
        assert.ok(Number(value.headers.get('retry-after')) <= 2);
        assert.ok(ms < GIVEN_UP_MS, `it took ${ms} ms`);
      }
      const readiness = await there.get('/readyz');
      assert.equal(readiness.status, 503);
      assert.equal(readiness.body.store.ok, false);
      assert.equal((await there.get('/healthz')).status, 200, 'nobody restarts it for that');

      // The other one goes on, with the same person and the same chats.
      assert.ok(await isReady(here));
      assert.equal((await here.post(`/api/chats/${chat}/messages`, { content: 'kept meanwhile' })).status, 200);
      const { value: events, ms } = await timed(followed);
      assert.equal((events.at(-1) as { event: string }).event, 'turn.interrupted');
      assert.ok(ms < 30_000, `noticed after ${ms} ms`);
      assert.equal((await here.post(`/api/chats/${torn}/messages`, { content: 'and on' })).status, 200);
      const files = () => sessionFiles(torn);
      const after = [await historyOf(here, torn), await all(follow(here, turnId)), await files()];

      network.mend();
      await until('it is ready by itself', () => isReady(there), 30_000);
      await until('it lets go of the turn it lost', () => t.instances[1]?.gateway.engine.running === 0, 60_000);
      assert.deepEqual([await historyOf(here, torn), await all(follow(here, turnId)), await files()], after);
      assertWhole(await all(follow(there, turnId)));
      const next = await there.post(`/api/chats/${torn}/messages`, { content: 'What did I say before?' });
      assert.match(next.body.message?.content ?? next.text, /and on/);
      assert.equal((await there.post(`/api/chats/${chat}/messages`, { content: 'kept after' })).status, 200);
      const said = (await historyOf(here, chat)).filter(({ role }) => role === 'user').map(({ content }) => content);
      assert.deepEqual(said, ['kept before', 'kept meanwhile', 'kept after']);
    });

    it(`has failed so (${how}), and news and background turns get through again`, async () => {
      const chat = await newChat(here);
      await until('a turn of one is followed close behind on the other', async () => {
        const [started] = await readUntil(
          here.say(chat, '[[tokens:20]] [[pace:20]]'),
          ({ event }) => event === 'turn.started',
        );
        const { ms } = await timed(all(follow(there, started?.data.turn.id)));
        return ms < 1_500;
      });
      for (let round = 0; round < 3; round += 1) {
        const turn = await startTurn(here, await newChat(here), 'in the background');
        assert.equal((await endOf(here, turn.id)).status, 'completed');
      }
    });
  }

  async function sessionFiles(chatId: string): Promise<unknown[]> {
    const database = openDatabase({ kind: 'postgres', url: t.databaseUrl });
    try {
      const query = sql`select path, size, modified_at from session_files where chat_id = ${chatId} order by path`;
      return (await query.execute(database.read)).rows;
    } finally {
      await database.close();
    }
  }
});
