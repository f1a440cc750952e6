/** Background turns: taken by gateways, run by a worker, in turns of their users, and tried again where nothing was said. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startTestCluster, type TestCluster } from '../support/cluster.ts';
import type { Browser } from '../support/http-browser.ts';
import { InstanceProcess } from '../support/instance-process.ts';
import { runtimesOf } from '../support/runtime-processes.ts';
import { endOf, follow, historyOf, newChat, readUntil, startTurn, until } from '../turns/support/turns.ts';

describe('A worker beside a gateway that runs no background turns', { timeout: 180_000 }, () => {
  let t: TestCluster;
  let worker: InstanceProcess;
  let dataDir: string;
  let mona: Browser;
  let hubot: Browser;

  before(async () => {
    t = await startTestCluster({ instances: 1, env: { BACKGROUND_TURNS: '0', TURNS_PER_USER: '30' } });
    dataDir = `${t.instances[0]?.dataDir}/worker`;
    worker = new InstanceProcess({ ...t.env, DATA_DIR: dataDir, BACKGROUND_TURNS: '2' }, 'worker');
    [mona] = (await t.signIn('mona')) as [Browser];
    [hubot] = (await t.signIn('hubot')) as [Browser];
  });
  after(async () => {
    await worker.kill();
    await t.close();
  });

  it('what was sent before there was one waits, and runs when it comes; the result is the turn', async () => {
    const chat = await newChat(mona);
    const turn = await startTurn(mona, chat, '[[say:done]]');
    assert.equal(turn.status, 'queued');
    await worker.start();
    const ended = await endOf(mona, turn.id);
    assert.equal(ended.status, 'completed');
    assert.equal((await historyOf(mona, chat)).at(-1).content, 'done');
    assert.equal(t.instances[0]?.gateway.engine.running, 0);
  });

  it('is followed, queued behind and stopped from the gateway', async () => {
    const chat = await newChat(mona);
    const turn = await startTurn(mona, chat, '[[tokens:1000]] [[pace:20]]');
    const next = await startTurn(mona, chat, '[[say:next]]', { delivery: 'queue' });
    await readUntil(follow(mona, turn.id), ({ event }) => event === 'message.delta');
    assert.equal(await worker.running(), 1);
    await mona.post(`/api/turns/${turn.id}/cancel`);
    assert.equal((await endOf(mona, turn.id)).status, 'cancelled');
    assert.equal((await endOf(mona, next.id)).status, 'completed');
  });

  it('serves people in turns: who sends many does not keep out who sends one', async () => {
    const chats = await Promise.all(Array.from({ length: 8 }, () => newChat(mona)));
    const many: string[] = [];
    for (const chat of chats) many.push((await startTurn(mona, chat, '[[tokens:12]] [[pace:50]]')).id);
    const one = await startTurn(hubot, await newChat(hubot), 'hello');
    await endOf(hubot, one.id);
    const waiting = await Promise.all(many.map(async (id) => (await mona.get(`/api/turns/${id}`)).body.status));
    assert.ok(waiting.filter((status) => status === 'queued').length >= 3, waiting.join());
    for (const id of many) assert.equal((await endOf(mona, id)).status, 'completed');
  });

  it('tries again what failed before anything was said', async () => {
    const chat = await newChat(mona);
    const prompt = '[[say:fine]] [[first:2000]]';
    const asked = () => t.standIn.modelRequests.filter(({ messages }) => JSON.stringify(messages).includes(prompt));
    const turn = await startTurn(mona, chat, prompt);
    await until('the model is asked', () => asked().length === 1);
    for (const { pid } of runtimesOf(dataDir)) process.kill(pid, 'SIGKILL');
    const ended = await endOf(mona, turn.id);
    assert.equal(ended.status, 'completed', JSON.stringify(ended.error));
    assert.ok(worker.told.some((line) => line.includes('a background turn is tried again')));
    assert.deepEqual(
      (await historyOf(mona, chat)).map(({ content }) => content),
      [prompt, 'fine'],
    );
    const last = asked()
      .at(-1)
      ?.messages.filter((message) => JSON.stringify(message).includes(prompt));
    assert.equal(last?.length, 1, 'the model reads the question once');
  });

  it('lets what runs end when it is told to go, leaves the rest to others, and exits with 0', async () => {
    const running = await startTurn(mona, await newChat(mona), '[[tokens:60]] [[pace:30]]');
    await readUntil(follow(mona, running.id), ({ event }) => event === 'message.delta');
    const exit = worker.terminate();
    await until('it is not ready', async () => !(await worker.isReady()));
    const late = await startTurn(mona, await newChat(mona), '[[say:later]]');
    assert.equal(await exit, 0);
    assert.equal((await endOf(mona, running.id)).status, 'completed');
    assert.equal((await mona.get(`/api/turns/${late.id}`)).body.status, 'queued');
    await worker.start();
    assert.equal((await endOf(mona, late.id)).status, 'completed');
  });
});

describe('A worker', () => {
  it('refuses SQLite in words', async () => {
    const worker = new InstanceProcess({ GITHUB_CLIENT_ID: 'c', GITHUB_CLIENT_SECRET: 's' }, 'worker');
    await assert.rejects(worker.start(), /A worker needs DATABASE_URL to be a PostgreSQL/);
  });
});
