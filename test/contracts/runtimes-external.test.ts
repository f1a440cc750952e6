import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { CopilotClient, RuntimeConnection } from '@github/copilot-sdk';
import { preferenceOrder } from '../../src/runtimes/routing-policy.ts';
import { type Ground, layGround } from '../support/runtime-ground.ts';
import { CONNECTION_TOKEN } from '../support/runtime-server.ts';
import { leaseRequest, runTurn, say } from '../support/runtime-settings.ts';

const soon = (): AbortSignal => AbortSignal.timeout(30_000);

describe('runtimes: what only servers of others bring', { timeout: 60_000 }, () => {
  let ground: Ground;
  before(async () => {
    ground = await layGround('external-native');
  });
  after(() => ground.close());

  const FAKES: Record<string, (id: number) => object> = {
    'knows no handshake': (id) => ({ id, error: { code: -32601, message: 'Unhandled method connect' } }),
    'lets everybody in': (id) => ({ id, result: { protocolVersion: 3 } }),
  };
  for (const [manner, answer] of Object.entries(FAKES)) {
    test(`a server that ${manner} learns neither the connection token nor a user’s`, async (t) => {
      const { server, heard } = await fakeServer(answer);
      t.after(() => server.close());
      const url = `127.0.0.1:${(server.address() as AddressInfo).port}`;
      const runtimes = await ground.open({ copilot: { cliUrls: [url], connectionToken: CONNECTION_TOKEN } });
      const user = ground.user('mona');
      await assert.rejects(runtimes.lease(leaseRequest(user, 'fake'), soon()), { code: 'runtime_unavailable' });
      assert.match(heard(), /"method":"connect"/);
      assert.ok(!heard().includes(CONNECTION_TOKEN));
      assert.ok(!heard().includes(user.credential.token));
      await runtimes.close();
    });
  }

  test('a server that wants a connection token we do not have is refused', async () => {
    const runtimes = await ground.open({ copilot: { connectionToken: null } });
    const lease = runtimes.lease(leaseRequest(ground.user('mona'), 'no-token'), soon());
    await assert.rejects(lease, { code: 'runtime_unavailable' });
    await runtimes.close();
  });

  test('a silent server is given up after the deadline', async (t) => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    t.after(() => silent.close());
    const url = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const copilot = { cliUrls: [url], connectionToken: CONNECTION_TOKEN };
    const runtimes = await ground.open({ copilot, dependencies: { timings: { start: 300 } } });
    const lease = runtimes.lease(leaseRequest(ground.user('mona'), 'silent'), soon());
    await assert.rejects(lease, { code: 'runtime_unavailable' });
    await runtimes.close();
  });

  test('of two servers one dies: its users go on at the other, others stay where they are', async () => {
    const servers = await Promise.all([ground.startServer(), ground.startServer()]);
    const urls = servers.map((server) => server.url);
    const runtimes = await ground.open({ copilot: { cliUrls: urls, connectionToken: CONNECTION_TOKEN } });
    const user = ground.user('mona');
    const request = leaseRequest(user, 'failover');
    await runTurn(await runtimes.lease(request, soon()), say('Said on the first.'));
    const home = preferenceOrder(user.userId, urls)[0];
    servers.find((server) => server.url === home)?.kill('SIGKILL');
    const history = async () => [
      { role: 'user' as const, content: 'Said on the first.', attachments: [] },
      { role: 'assistant' as const, content: 'Heard.', attachments: [] },
    ];
    const lease = await runtimes.lease({ ...request, history }, soon());
    const { answer } = await runTurn(lease, say('what did I say before?'));
    assert.match(answer, /Said on the first\./);
    const states = new Map(runtimes.status().map((status) => [status.name, status.healthy]));
    assert.equal(states.get(urls.find((url) => url !== home) ?? ''), true);
    await runtimes.close();
  });

  test('a service token that only the server has pays for all', async () => {
    const token = ground.api.issueToken('hubot');
    const server = await ground.startServer({ env: { COPILOT_GITHUB_TOKEN: token } });
    const copilot = { cliUrls: [server.url], connectionToken: CONNECTION_TOKEN, auth: 'service' as const };
    const runtimes = await ground.open({ copilot });
    const user = { userId: '5', credential: { kind: 'service' as const, token: '' } };
    const { answer } = await runTurn(await runtimes.lease(leaseRequest(user, 'serviced'), soon()), say('Hello (sv)'));
    assert.match(answer, /Hello/);
    assert.equal(ground.api.modelRequests.at(-1)?.token, token);
    assert.ok((await runtimes.models(user, soon())).length > 1);
    await runtimes.close();
  });

  test('a deleted chat is deleted on its server, also by an instance that never used it', async () => {
    const request = leaseRequest(ground.user('mona'), 'erased');
    const first = await ground.open();
    await runTurn(await first.lease(request, soon()), say('Erase me.'));
    await first.close();
    const second = await ground.open();
    await second.deleteSession(request.user, request.sessionId, soon());
    const { answer } = await runTurn(await second.lease(request, soon()), say('what did I say before?'));
    assert.match(answer, /That was the first thing/);
    await second.close();
  });

  test('a session the server dropped behind our back is opened anew within the same lease', async () => {
    const runtimes = await ground.open();
    const request = leaseRequest(ground.user('mona'), 'dropped');
    await runTurn(await runtimes.lease(request, soon()), say('Before the drop.'));
    const [url = ''] = runtimes.status().map((status) => status.name);
    const meddler = new CopilotClient({
      connection: RuntimeConnection.forUri(url, { connectionToken: CONNECTION_TOKEN }),
      mode: 'empty',
    });
    await meddler.start();
    await meddler.deleteSession(request.sessionId);
    await meddler.forceStop();
    const history = async () => [{ role: 'user' as const, content: 'Before the drop.', attachments: [] }];
    const lease = await runtimes.lease({ ...request, history }, soon());
    const { answer, events } = await runTurn(lease, say('what did I say before?'));
    assert.match(answer, /Before the drop\./);
    assert.equal(events.filter((event) => event.type === 'accepted').length, 1);
    await runtimes.close();
  });
});

/** Not a Copilot server: answers `connect` its own way and keeps what it heard. */
async function fakeServer(answer: (id: number) => object): Promise<{ server: Server; heard: () => string }> {
  let heard = '';
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.setEncoding('utf8').on('data', (text: string) => {
      heard += text;
      for (const [, id] of text.matchAll(/"id":(\d+)/g)) {
        const body = JSON.stringify({ jsonrpc: '2.0', ...answer(Number(id)) });
        socket.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, heard: () => heard };
}
