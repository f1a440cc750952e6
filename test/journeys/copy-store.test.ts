/** A team outgrows SQLite: its installation moves to PostgreSQL, and back again, and the people in it notice nothing. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type StandIn, startStandIn } from '../../src/demo/stand-in.ts';
import { SHARED_SECRETS } from '../support/cluster.ts';
import { runCommand } from '../support/command.ts';
import { freePort, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { all, Browser } from '../support/http-browser.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';
import { makeToken } from '../support/programs.ts';
import { endOf, follow, historyOf, newChat, readUntil, startTurn } from '../turns/support/turns.ts';

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';

describe('An installation that moves to another database', { timeout: 180_000 }, () => {
  let server: PostgresServer;
  let standIn: StandIn;
  let directory: string;
  let publicUrl: string;
  let running: TestGateway | null = null;

  before(async () => {
    [server, standIn] = await Promise.all([startPostgres(), startStandIn()]);
    directory = await mkdtemp(join(tmpdir(), 'pilothouse-move-'));
    publicUrl = `http://localhost:${await freePort()}`;
  });
  after(async () => {
    await running?.close();
    await Promise.all([server.close(), standIn.close()]);
    await rm(directory, { recursive: true, force: true });
  });

  /** The same site on another database. */
  async function start(database: Record<string, string>): Promise<void> {
    await running?.close();
    const env = { ...database, PUBLIC_URL: publicUrl, PORT: new URL(publicUrl).port };
    running = await startTestGateway({ sharedStandIn: standIn, env });
  }

  async function stop(): Promise<void> {
    await running?.close();
    running = null;
  }

  async function move(from: string, to: string): Promise<void> {
    const { code, out, err } = await runCommand('copy-store', ['--from', from, '--to', to]);
    assert.equal(code, 0, out + err);
  }

  it('keeps people signed in, their history, search, tokens and what the model remembers', async () => {
    const data = join(directory, 'data');
    const [first, second, third] = [
      `sqlite:${join(data, 'gateway.db')}`,
      await server.createDatabase(),
      `sqlite:${join(directory, 'back.db')}`,
    ];
    await start({ DATA_DIR: data });
    const mona = new Browser(publicUrl);
    await mona.signIn(standIn, 'mona');
    const chat = await newChat(mona, { title: 'Whales' });
    const look = {
      content: 'I like humpbacks',
      attachments: [{ type: 'image', mimeType: 'image/png', data: PNG, name: 'dot.png' }],
    };
    const { body: said, text } = await mona.post(`/api/chats/${chat}/messages`, { ...look, model: 'gpt-5.4' });
    assert.equal(said.turn?.status, 'completed', text);
    const { token } = await makeToken(mona);
    const seen = async () => ({
      me: (await mona.get('/api/me')).body,
      chats: (await mona.get('/api/chats')).body,
      found: (await mona.get('/api/chats?q=humpb')).body.items.map(({ id }: { id: string }) => id),
      history: await historyOf(mona, chat),
      turn: (await mona.get(`/api/turns/${said.turn.id}`)).body,
      events: await all(follow(mona, said.turn.id)),
      usage: (await mona.get('/api/usage')).body.totals,
      devices: (await mona.get('/api/me/sessions')).body.items.length,
      program: (await new Browser(publicUrl).get('/api/chats', { authorization: `Bearer ${token}` })).body,
    });
    const original = await seen();
    assert.deepEqual(original.found, [chat]);
    assert.equal(original.history[0].attachments.length, 1);
    assert.deepEqual(original.program, original.chats);
    await stop();

    await move(first, second);
    const stored = JSON.parse(await readFile(join(data, 'secrets.json'), 'utf8'));
    const secrets = { SESSION_SECRETS: stored.sessionSecrets.join(), CREDENTIAL_KEYS: stored.credentialKeys.join() };
    await start({ DATABASE_URL: second, ...secrets });
    assert.deepEqual(await seen(), original, 'the same, read from PostgreSQL');
    const onPostgres = await mona.post(`/api/chats/${chat}/messages`, { content: 'What did I say before?' });
    assert.equal(onPostgres.status, 200, onPostgres.text);
    assert.match(onPostgres.body.message.content, /humpbacks/);
    const grown = await seen();
    await stop();

    await move(second, third);
    await start({ DATABASE_URL: third, ...secrets });
    assert.deepEqual(await seen(), grown, 'the same, read from SQLite');
    const back = await mona.post(`/api/chats/${chat}/messages`, { content: 'What did I say before?' });
    assert.match(back.body.message?.content ?? back.text, /humpbacks/);
    assert.equal((await historyOf(mona, chat)).length, 6);
    assert.deepEqual(
      (await mona.get('/api/chats?q=humpb')).body.items.map(({ id }: { id: string }) => id),
      [chat],
    );
  });

  it('runs there what waited here', async () => {
    const data = join(directory, 'waiting');
    const [from, to] = [`sqlite:${join(data, 'gateway.db')}`, await server.createDatabase()];
    const secrets = SHARED_SECRETS;
    await start({ DATA_DIR: data, ...secrets, SHUTDOWN_GRACE_SECONDS: '4' });
    const mona = new Browser(publicUrl);
    await mona.signIn(standIn, 'mona');
    const chat = await newChat(mona);
    const [started] = await readUntil(
      mona.say(chat, '[[tokens:3000]] [[pace:30]]'),
      ({ event }) => event === 'message.delta',
    );
    assert.equal(started?.event, 'turn.started');
    const waiting = await startTurn(mona, chat, '[[say:late but here]]', { delivery: 'queue' });
    await stop();
    await move(from, to);
    await start({ DATABASE_URL: to, ...secrets });
    assert.equal((await endOf(mona, started?.data.turn.id)).status, 'interrupted');
    assert.equal((await endOf(mona, waiting.id)).status, 'completed');
    assert.equal((await historyOf(mona, chat)).at(-1).content, 'late but here');
  });
});
