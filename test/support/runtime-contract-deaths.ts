import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Runtimes } from '../../src/runtimes/runtime-port.ts';
import type { Contract } from './runtime-contract-parts.ts';
import type { Ground } from './runtime-ground.ts';
import { runtimesOf } from './runtime-processes.ts';
import { CONNECTION_TOKEN } from './runtime-server.ts';
import { leaseRequest, runTurn, say } from './runtime-settings.ts';

const soon = (): AbortSignal => AbortSignal.timeout(60_000);

/** A victim: runtimes of their own and the way to hurt what runs them. */
async function victim(ground: Ground, timings = {}) {
  const dependencies = { timings };
  if (ground.stateInStore) {
    const runtimes = await ground.open({ dependencies, copilot: { sharedRuntimes: 1 } });
    const kill = (signal: NodeJS.Signals): void => {
      for (const { pid } of runtimesOf(runtimes.dataDir)) process.kill(pid, signal);
    };
    return { runtimes, kill, restart: async () => undefined };
  }
  const volume = await ground.folder();
  let server = await ground.startServer({ volume });
  const port = Number(server.url.split(':')[1]);
  const copilot = { cliUrls: [server.url], connectionToken: CONNECTION_TOKEN };
  const runtimes = await ground.open({ dependencies, copilot });
  return {
    runtimes,
    kill: (signal: 'SIGKILL' | 'SIGSTOP') => server.kill(signal),
    restart: async () => {
      server.kill('SIGKILL');
      await server.ended();
      server = await ground.startServer({ volume, port });
    },
  };
}

/** Runs a long turn, hurts the runtime at the first text, and says how long the failure took, in milliseconds. */
async function failAfter(runtimes: Runtimes, request: Parameters<Runtimes['lease']>[0], hurt: () => void) {
  const lease = await runtimes.lease(request, soon());
  let hurtAt = 0;
  const run = (async () => {
    for await (const event of lease.run(say('[[tokens:500]] [[pace:20]]'), soon())) {
      if (event.type !== 'text' || hurtAt > 0) continue;
      hurtAt = performance.now();
      hurt();
    }
  })();
  await assert.rejects(run, { code: 'runtime_unavailable' });
  lease.release({ keepWarm: true });
  return performance.now() - hurtAt;
}

/** Runtimes that die or hang. */
export function deathContract(given: Contract): void {
  test('a runtime’s death is told within 2 s, and the chat goes on in a fresh one', async () => {
    const { runtimes, kill, restart } = await victim(given.ground);
    const request = leaseRequest(given.ground.user('mona'), 'death');
    await runTurn(await runtimes.lease(request, soon()), say('Said before.'));
    const took = await failAfter(runtimes, request, () => kill('SIGKILL'));
    assert.ok(took < 2_000, `${took} ms`);
    await restart();
    const history = async () => [
      { role: 'user' as const, content: 'Said before.', attachments: [] },
      { role: 'user' as const, content: 'The prompt that died.', attachments: [] },
    ];
    const { answer } = await runTurn(
      await runtimes.lease({ ...request, history }, soon()),
      say('what did I say before?'),
    );
    assert.match(answer, /Said before\./);
    assert.match(answer, /The prompt that died\./);
    await runtimes.close();
  });

  test('a hung runtime is found out and left; nothing waits for ever', async () => {
    const timings = { tick: 200, probe: 1_500, start: 5_000 };
    const { runtimes, kill, restart } = await victim(given.ground, timings);
    const request = leaseRequest(given.ground.user('mona'), 'hang');
    const took = await failAfter(runtimes, request, () => kill('SIGSTOP'));
    assert.ok(took < 8_000, `${took} ms`);
    await restart();
    const { answer } = await runTurn(await runtimes.lease(request, soon()), say('[[say:Alive.]]'));
    assert.equal(answer, 'Alive.');
    await runtimes.close();
  });

  test('cancelling a turn of a hung runtime ends it within the abort deadline', async () => {
    const timings = { tick: 60_000, probe: 300 };
    const { runtimes, kill } = await victim(given.ground, timings);
    const lease = await runtimes.lease(leaseRequest(given.ground.user('mona'), 'hung-cancel'), soon());
    const stop = new AbortController();
    let stoppedAt = 0;
    for await (const event of lease.run(say('[[tokens:500]] [[pace:20]]'), stop.signal)) {
      if (event.type !== 'text' || stoppedAt > 0) continue;
      kill('SIGSTOP');
      stoppedAt = performance.now();
      stop.abort();
    }
    assert.ok(performance.now() - stoppedAt < 1_500, `${performance.now() - stoppedAt} ms`);
    lease.release({ keepWarm: true });
    await runtimes.close();
    if (!given.ground.stateInStore) kill('SIGKILL');
  });
}
