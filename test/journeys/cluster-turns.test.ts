/** Two instances on one PostgreSQL are one gateway: a turn of either can be followed, joined and stopped on the other. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startTestCluster, type TestCluster } from '../support/cluster.ts';
import { all, type Browser } from '../support/http-browser.ts';
import {
  assertWhole,
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

describe('A turn of one instance, on another', { timeout: 120_000 }, () => {
  let t: TestCluster;
  let here: Browser;
  let there: Browser;

  before(async () => {
    // Background turns may run anywhere: here they run on the first instance, so that it is known where.
    t = await startTestCluster();
    [here, there] = (await t.signIn('mona')) as [Browser, Browser];
  });
  after(() => t.close());

  /** Starts a turn on the first instance, on a connection that is then given up. */
  async function startHere(chat: string, content: string): Promise<string> {
    const [started] = await readUntil(here.say(chat, content), ({ event }) => event === 'turn.started');
    return started?.data.turn.id;
  }

  it('knows who signed in on the other', async () => {
    assert.equal((await there.get('/api/me')).body.login, 'mona');
  });

  it('is followed with every frame once, close behind', async () => {
    const chat = await newChat(here);
    const turnId = await startHere(chat, '[[tokens:40]] [[pace:20]]');
    const events = await all(follow(there, turnId));
    assertWhole(events);
    assert.equal(events.at(-1)?.event, 'turn.completed');
    assert.equal(textOf(events), Array.from({ length: 40 }, (_, index) => `w${index + 1}`).join(' '));
    assert.deepEqual(await all(follow(here, turnId)), events, 'both tell the same');
  });

  it('is followed from where one had got to on the other', async () => {
    const chat = await newChat(here);
    const turnId = await startHere(chat, '[[tokens:30]] [[pace:20]]');
    const seen = await readUntil(follow(here, turnId), ({ id }) => (id ?? 0) >= 8);
    const rest = await all(follow(there, turnId, { after: seen.at(-1)?.id ?? 0 }));
    assertWhole([...seen, ...rest]);
  });

  it('is cancelled within a second', async () => {
    const chat = await newChat(here);
    const turnId = await startHere(chat, '[[tokens:500]] [[pace:20]]');
    assert.equal((await there.post(`/api/turns/${turnId}/cancel`)).status, 202);
    const { value, ms } = await timed(endOf(there, turnId));
    assert.equal(value.status, 'cancelled');
    assert.ok(ms < 1_000, `it took ${ms} ms`);
  });

  it('takes a message that joins on the other, in order with those that join here', async () => {
    const chat = await newChat(here);
    const turnId = await startHere(chat, '[[tokens:60]] [[pace:20]]');
    for (const [index, browser] of [there, here, there, here].entries()) {
      const joined = await browser.post(
        `/api/chats/${chat}/messages`,
        { content: `[[say:joined ${index}]]`, delivery: 'steer' },
        { prefer: 'respond-async' },
      );
      assert.equal(joined.body.turn.id, turnId, joined.text);
    }
    const turn = await endOf(there, turnId);
    assert.equal(turn.status, 'completed');
    const said = (await historyOf(there, chat)).map(({ content }) => content);
    assert.deepEqual(
      said.slice(1, 5),
      [0, 1, 2, 3].map((index) => `[[say:joined ${index}]]`),
    );
    const asked = t.standIn.modelRequests.map(({ messages }) => JSON.stringify(messages));
    for (const index of [0, 1, 2, 3])
      assert.ok(
        asked.some((text) => text.includes(`joined ${index}`)),
        `joined ${index}`,
      );
  });

  it('loses no message that joins at the very end', async () => {
    for (let round = 0; round < 8; round += 1) {
      const chat = await newChat(here);
      const events = here.say(chat, '[[tokens:3]]');
      const seen = await readUntil(events, ({ event }) => event === 'message.delta');
      const turnId = seen[0]?.data.turn.id;
      const canary = `canary-${round}`;
      const joined = await there.post(
        `/api/chats/${chat}/messages`,
        { content: `[[say:${canary}]]`, delivery: 'steer' },
        { prefer: 'respond-async' },
      );
      assert.equal(joined.status, 202, joined.text);
      await endOf(there, turnId);
      assert.equal((await endOf(there, joined.body.turn.id)).status, 'completed');
      const asked = t.standIn.modelRequests.some(({ messages }) => JSON.stringify(messages).includes(canary));
      assert.ok(
        asked,
        `round ${round}: the model was asked, in turn ${joined.body.turn.id === turnId ? 'one' : 'two'}`,
      );
    }
  });

  it('is waited for on the other, and what queues behind it runs, in order', async () => {
    const chat = await newChat(here);
    await startHere(chat, '[[tokens:30]] [[pace:20]]');
    const queued = await Promise.all(
      [0, 1].map((index) => there.post(`/api/chats/${chat}/messages`, { content: `next ${index}`, delivery: 'queue' })),
    );
    for (const { status, body } of queued) assert.equal([status, body.turn.status].join(), '200,completed');
    const roles = (await historyOf(here, chat)).map(({ role }) => role);
    assert.deepEqual(roles, ['user', 'assistant', 'user', 'assistant', 'user', 'assistant']);
  });

  it('is known to the model wherever the next one runs', async () => {
    const chat = await newChat(here);
    await here.post(`/api/chats/${chat}/messages`, { content: 'I like whales' });
    await there.post(`/api/chats/${chat}/messages`, { content: 'I like robots' });
    const answer = await here.post(`/api/chats/${chat}/messages`, { content: 'What did I say before?' });
    assert.match(answer.body.message.content, /whales/);
    assert.match(answer.body.message.content, /robots/);
  });

  it('ends when its chat is deleted on the other', async () => {
    const chat = await newChat(here);
    const turnId = await startHere(chat, '[[tokens:500]] [[pace:20]]');
    assert.equal((await there.delete(`/api/chats/${chat}`)).status, 204);
    await until('nothing runs', () => t.instances[0]?.gateway.engine.running === 0);
    assert.equal((await here.get(`/api/turns/${turnId}`)).status, 404);
  });

  it('runs in the background on any of them, and only once', async () => {
    const chats = await Promise.all(Array.from({ length: 6 }, () => newChat(here)));
    const turns = await Promise.all(
      chats.map((chat, index) => startTurn(index % 2 === 0 ? here : there, chat, `background ${index}`)),
    );
    for (const { id } of turns) assert.equal((await endOf(there, id)).status, 'completed');
    for (const index of chats.keys()) {
      const asked = t.standIn.modelRequests.filter(({ messages }) =>
        JSON.stringify(messages.at(-1)).includes(`background ${index}`),
      );
      assert.equal(asked.length, 1);
    }
  });
});
