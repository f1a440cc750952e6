/**
 * The main job, whole: two people sign in, chat in every way, see only their own, and go on after a restart. On SQLite, and
 * word for word the same on PostgreSQL, of which the gateway is told by `DATABASE_URL` and the secrets that come with it.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { SHARED_SECRETS } from '../support/cluster.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { all, type Browser } from '../support/http-browser.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';

describe('Two people use one gateway', () => mainJob(async () => ({})));

describe('Two people use one gateway on PostgreSQL', () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres();
  });
  mainJob(async () => ({ DATABASE_URL: await server.createDatabase(), ...SHARED_SECRETS }));
  // After the gateway on it.
  after(() => server.close());
});

function mainJob(environment: () => Promise<Record<string, string>>): void {
  let t: TestGateway;
  let mona: Browser;
  let hubot: Browser;

  before(async () => {
    t = await startTestGateway({ env: await environment() });
    [mona, hubot] = await Promise.all([t.signIn('mona'), t.signIn('hubot')]);
  });
  after(() => t.close());

  it('tells each who they are', async () => {
    const [a, b] = [await mona.get('/api/me'), await hubot.get('/api/me')];
    assert.deepEqual([a.body.id, a.body.login], ['1001', 'mona']);
    assert.deepEqual([b.body.id, b.body.login], ['1002', 'hubot']);
  });

  it("answers the guide's call, and keeps the same sessionId of two people apart", async () => {
    const first = await mona.post('/api/chat', { sessionId: 'support', message: 'I like whales' });
    assert.equal(first.status, 200);
    assert.equal(first.body.sessionId, 'support');
    assert.match(first.body.content, /I like whales/);
    await hubot.post('/api/chat', { sessionId: 'support', message: 'I like robots' });
    const again = await mona.post('/api/chat', { sessionId: 'support', message: 'What did I say before?' });
    assert.match(again.body.content, /I like whales/);
    assert.doesNotMatch(again.body.content, /robots/);
  });

  it('makes a new chat when the call names none, and its answer names it', async () => {
    const first = await mona.post('/api/chat', { message: 'a fresh start' });
    const again = await mona.post('/api/chat', { sessionId: first.body.sessionId, message: 'What did I say before?' });
    assert.match(again.body.content, /a fresh start/);
    assert.equal((await mona.get(`/api/chats/${first.body.sessionId}`)).status, 200);
  });

  it('answers a message as JSON, with the history to show for it', async () => {
    const chat = (await mona.post('/api/chats', { title: 'JSON' })).body;
    const { status, body } = await mona.post(`/api/chats/${chat.id}/messages`, { content: 'count to three' });
    assert.equal(status, 200);
    assert.equal(body.turn.status, 'completed');
    assert.equal(body.message.status, 'complete');
    const history = (await mona.get(`/api/chats/${chat.id}/messages`)).body.items;
    assert.deepEqual(
      history.map((entry: { role: string }) => entry.role),
      ['user', 'assistant'],
    );
    assert.deepEqual(history[1], body.message);
    assert.equal(history[0].id, body.turn.userMessageId);
  });

  it('streams a message: numbered frames whose deltas are the answer, one end', async () => {
    const chat = (await mona.post('/api/chats', {})).body;
    const events = await all(mona.say(chat.id, '[[tokens:30]] please'));
    assert.deepEqual(
      events.map(({ id }) => id),
      events.map((_, index) => index + 1),
    );
    assert.equal(events[0]?.event, 'turn.started');
    assert.equal(events.at(-1)?.event, 'turn.completed');
    const text = events
      .filter(({ event }) => event === 'message.delta')
      .map(({ data }) => data.text)
      .join('');
    assert.equal(events.find(({ event }) => event === 'message.completed')?.data.message.content, text);
    assert.match(text, /w30/);
  });

  it("pays with each person's own token", () => {
    const tokens = new Map(t.standIn.modelRequests.map(({ login, token }) => [login, token]));
    assert.equal(tokens.size, 2);
    assert.notEqual(tokens.get('mona'), tokens.get('hubot'));
    for (const { login, messages } of t.standIn.modelRequests) {
      if (login === 'mona') assert.doesNotMatch(JSON.stringify(messages), /robots/);
      if (login === 'hubot') assert.doesNotMatch(JSON.stringify(messages), /whales/);
    }
  });

  it('goes on after a restart: signed in, history there, the model remembers', async () => {
    const before = (await mona.get('/api/chats')).body.items;
    await t.restart();
    assert.deepEqual((await mona.get('/api/chats')).body.items, before);
    const again = await mona.post('/api/chat', { sessionId: 'support', message: 'What did I say before?' });
    assert.equal(again.status, 200, again.text);
    assert.match(again.body.content, /I like whales/);
  });

  it('signs out for good', async () => {
    const other = await t.signIn('hubot');
    const cookie = other.cookieHeader;
    assert.equal((await other.post('/auth/logout')).status, 204);
    const replayed = await other.get('/api/me', { cookie });
    assert.equal(replayed.status, 401);
    assert.equal(replayed.body.code, 'unauthenticated');
    assert.equal((await hubot.get('/api/me')).status, 200, 'other devices stay signed in');
  });

  it('removes a deleted chat everywhere', async () => {
    const chat = (await mona.post('/api/chats', {})).body;
    await mona.post(`/api/chats/${chat.id}/messages`, { content: 'to be forgotten' });
    assert.equal((await mona.delete(`/api/chats/${chat.id}`)).status, 204);
    assert.equal((await mona.get(`/api/chats/${chat.id}`)).status, 404);
    assert.equal((await mona.get(`/api/chats/${chat.id}/messages`)).status, 404);
    assert.equal((await mona.delete(`/api/chats/${chat.id}`)).status, 404);
  });
}
