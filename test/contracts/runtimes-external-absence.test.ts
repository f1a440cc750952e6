import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { after, before, describe, type TestContext, test } from 'node:test';
import { CopilotClient, RuntimeConnection } from '@github/copilot-sdk';
import { preferenceOrder } from '../../src/runtimes/routing-policy.ts';
import { freePort } from '../support/gateway.ts';
import { type Ground, layGround } from '../support/runtime-ground.ts';
import { CONNECTION_TOKEN } from '../support/runtime-server.ts';
import { leaseRequest, runTurn, say } from '../support/runtime-settings.ts';

const soon = (): AbortSignal => AbortSignal.timeout(30_000);

describe('runtimes: servers of others that are away', { timeout: 90_000 }, () => {
  let ground: Ground;
  before(async () => {
    ground = await layGround('external-native');
  });
  after(() => ground.close());

  const open = (cliUrls: string[], timings = {}) =>
    ground.open({ copilot: { cliUrls, connectionToken: CONNECTION_TOKEN }, dependencies: { timings } });

  test('a deleted chat leaves a server that was away as soon as it is back', async () => {
    const volume = await ground.folder();
    const [home, other] = await Promise.all([ground.startServer({ volume }), ground.startServer()]);
    const urls = [home.url, other.url];
    const userId = Array.from({ length: 50 }, (_, id) => String(id + 1)).find(
      (id) => preferenceOrder(id, urls)[0] === home.url,
    );
    const user = { ...ground.user('mona'), userId: userId ?? '' };
    const runtimes = await open(urls, { tick: 100 });
    const request = leaseRequest(user, 'absent');
    await runTurn(await runtimes.lease(request, soon()), say('Erase me.'));
    home.kill('SIGKILL');
    await home.ended();
    await eventually(() => healthy(runtimes).join() === other.url);
    await assert.rejects(runtimes.deleteSession(user, request.sessionId, soon()), { code: 'runtime_unavailable' });
    assert.deepEqual(await ground.files.unconfirmedDeletions(10, null), [request.sessionId]);
    const back = await ground.startServer({ volume, port: Number(home.url.split(':')[1]) });
    assert.equal(await isKnown(back.url, request.sessionId), true, 'it had it');
    await eventually(() => healthy(runtimes).length === 2);
    await runtimes.deleteSession(user, request.sessionId, soon());
    assert.equal(await isKnown(back.url, request.sessionId), false);
    assert.deepEqual(await ground.files.unconfirmedDeletions(10, null), []);
    await runtimes.close();
  });

  test('a silent server takes no time from the others', async (t) => {
    const hole = await silentServer(t);
    const server = await ground.startServer();
    const alone = await open([server.url]);
    const request = leaseRequest(ground.user('mona'), 'beside-a-hole');
    await runTurn(await alone.lease(request, soon()), say('Erase me.'));
    await alone.close();
    const runtimes = await open([urlOf(hole), server.url], { remove: 2_000 });
    const removal = runtimes.deleteSession(request.user, request.sessionId, AbortSignal.timeout(5_000));
    await assert.rejects(removal, { code: 'runtime_unavailable' });
    assert.equal(await isKnown(server.url, request.sessionId), false);
    await runtimes.close();
    await ground.files.confirmDeletion(request.sessionId);
  });

  test('a server is healthy once it was reached, without a user coming for it', async () => {
    const nowhere = `127.0.0.1:${await freePort()}`;
    const server = await ground.startServer();
    const runtimes = await open([nowhere, server.url], { tick: 100 });
    assert.deepEqual(healthy(runtimes), [], 'nobody has answered yet');
    await eventually(() => healthy(runtimes).join() === server.url);
    server.kill('SIGKILL');
    await eventually(() => healthy(runtimes).length === 0);
    assert.deepEqual(
      runtimes.status().map(({ detail }) => detail),
      ['unreachable', 'unreachable'],
    );
    await runtimes.close();
  });

  test('closing waits for no server that is silent, not even within the handshake', async (t) => {
    const silent = await silentServer(t);
    const halting = await silentServer(t, (id) => ({ id, error: { code: -32002, message: 'AUTHENTICATION_FAILED' } }));
    const runtimes = await open([urlOf(silent), urlOf(halting)]);
    const refused = assert.rejects(runtimes.models(ground.user('mona'), soon()), { code: 'shutting_down' });
    await eventually(() => halting.heard().split('"method":"connect"').length > 2);
    const began = performance.now();
    await runtimes.close();
    await refused;
    assert.ok(performance.now() - began < 2_000, `${performance.now() - began} ms`);
  });
});

function healthy(runtimes: { status(): readonly { name: string; healthy: boolean }[] }): string[] {
  return runtimes.status().flatMap(({ name, healthy: well }) => (well ? [name] : []));
}

/** Whether the server has a session of that name. */
async function isKnown(url: string, sessionId: string): Promise<boolean> {
  const connection = RuntimeConnection.forUri(url, { connectionToken: CONNECTION_TOKEN });
  const client = new CopilotClient({ connection, mode: 'empty' });
  await client.start();
  try {
    return (await client.getSessionMetadata(sessionId)) !== undefined;
  } finally {
    await client.forceStop();
  }
}

type SilentServer = Server & { heard(): string };

/** Takes connections and says nothing, but for the first word of a connection where `first` is given, once. */
async function silentServer(t: TestContext, first?: (id: number) => object): Promise<SilentServer> {
  let [heard, spoken] = ['', false];
  const server = createServer((socket) => {
    t.after(() => socket.destroy());
    socket.on('error', () => undefined);
    socket.setEncoding('utf8').on('data', (text: string) => {
      heard += text;
      const id = /"id":(\d+)/.exec(text)?.[1];
      if (!first || spoken || id === undefined) return;
      spoken = true;
      const body = JSON.stringify({ jsonrpc: '2.0', ...first(Number(id)) });
      socket.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return Object.assign(server, { heard: () => heard });
}

function urlOf(server: Server): string {
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Waits for what another process does. */
async function eventually(holds: () => boolean): Promise<void> {
  const until = performance.now() + 15_000;
  while (!holds()) {
    assert.ok(performance.now() < until, 'it did not come to pass within 15 s');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
