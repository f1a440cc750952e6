import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CopilotClient, RuntimeConnection } from '@github/copilot-sdk';
import {
  acknowledgeSoon,
  childOf,
  divertStderr,
  onConnectionClose,
  sendWithoutDelay,
  silenceWriteErrors,
} from '../../src/runtimes/sdk-internals.ts';
import { CONNECTION_TOKEN, startServer } from '../support/runtime-server.ts';

/** What an update of the SDK may move: a failure here says where to look, before a user's turn does. */
test('the SDK still keeps a spawned process, its stderr and its writer where we reach for them', async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'sdk-internals-'));
  t.after(() => rm(home, { recursive: true, force: true, maxRetries: 5 }));
  const client = new CopilotClient({
    connection: RuntimeConnection.forStdio({ env: { HOME: home } }),
    mode: 'empty',
    useLoggedInUser: false,
    baseDirectory: home,
    workingDirectory: home,
  });
  silenceWriteErrors(client);
  const starting = client.start();
  await Promise.resolve().then(() => undefined);
  const child = childOf(client);
  assert.ok(child?.pid, 'it spawns within a few microtasks of start()');
  assert.equal(child.stderr?.listenerCount('data'), 1, 'it listens to stderr once');
  divertStderr(child, () => undefined);
  await starting;
  assert.equal(Reflect.get(Object(Reflect.get(client, 'messageWriter')), 'suppressWriteErrors'), true);
  const closed = new Promise<void>((resolve) => onConnectionClose(client, resolve));
  child.kill('SIGKILL');
  await closed;
  await client.forceStop();
});

test('the SDK still keeps a server’s socket where we reach for it', async (t) => {
  const volume = await mkdtemp(join(tmpdir(), 'sdk-internals-'));
  const server = await startServer('native', { volume, env: {} });
  t.after(async () => {
    server.kill('SIGKILL');
    await server.ended();
    await rm(volume, { recursive: true, force: true, maxRetries: 5 });
  });
  const client = new CopilotClient({
    connection: RuntimeConnection.forUri(server.url, { connectionToken: CONNECTION_TOKEN }),
    mode: 'empty',
  });
  assert.throws(() => sendWithoutDelay(client), /no TCP connection/);
  await client.start();
  sendWithoutDelay(client);
  let asked = 0;
  acknowledgeSoon(client, () => {
    asked += 1;
    return true;
  });
  await client.getStatus();
  await client.getStatus();
  assert.ok(asked > 0, 'a word to the server for each piece it sends, and the server does not mind');
  await client.forceStop();
});
