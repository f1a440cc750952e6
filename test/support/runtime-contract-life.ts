import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Runtimes } from '../../src/runtimes/runtime-port.ts';
import { type Contract, seen } from './runtime-contract-parts.ts';
import type { Arrangement, Ground } from './runtime-ground.ts';
import { runtimesOf } from './runtime-processes.ts';
import { CONNECTION_TOKEN } from './runtime-server.ts';
import { leaseRequest, runTurn, say } from './runtime-settings.ts';

/** Processes and connections: their death, their end, their number. */
export function lifeContract(arrangement: Arrangement, given: Contract): void {
  deathContract(given);
  if (arrangement === 'isolated' || arrangement === 'shared') processContract(given);
  if (arrangement === 'isolated') isolatedContract(given);
  swarmContract(given);
  payContract(given);
}

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

function deathContract(given: Contract): void {
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
    const timings = { tick: 200, probe: 500, start: 3_000 };
    const { runtimes, kill, restart } = await victim(given.ground, timings);
    const request = leaseRequest(given.ground.user('mona'), 'hang');
    const took = await failAfter(runtimes, request, () => kill('SIGSTOP'));
    assert.ok(took < 3_000, `${took} ms`);
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

function processContract(given: Contract): void {
  test('a runtime’s environment is the allowlist, its disk holds no chat, and closing leaves nothing', async () => {
    const runtimes = await given.ground.open();
    const user = given.ground.user('mona');
    await runTurn(await runtimes.lease(leaseRequest(user, 'disk'), soon()), say('a-very-private-canary'));
    const [process] = runtimesOf(runtimes.dataDir);
    assert.ok(process);
    assert.deepEqual(
      Object.keys(process.env).toSorted((left, right) => left.localeCompare(right)),
      [
        'COPILOT_API_URL',
        'COPILOT_DEBUG_GITHUB_API_URL',
        'COPILOT_DISABLE_KEYTAR',
        'COPILOT_HOME',
        'HOME',
        'TMPDIR',
        'XDG_CACHE_HOME',
      ],
    );
    const disk = await contentsBelow(join(runtimes.dataDir, 'runtimes'));
    assert.ok(!disk.includes('a-very-private-canary'));
    assert.ok(!disk.includes(user.credential.token));
    await runtimes.close();
    assert.deepEqual(runtimesOf(runtimes.dataDir), []);
    assert.deepEqual(await readdir(join(runtimes.dataDir, 'runtimes')), []);
  });

  test('nothing secret and nothing said is logged', () => {
    const logged = JSON.stringify(given.ground.logger.lines);
    assert.doesNotMatch(logged, /gh[opusr]_\w/);
    assert.doesNotMatch(logged, /canary/);
  });
}

function isolatedContract(given: Contract): void {
  test('past MAX_RUNTIMES the longest idle one gives way, and when all are busy one is told so', async () => {
    const runtimes = await given.ground.open({ leases: { maxRuntimes: 2 } });
    const [a, b, c] = ['mona', 'hubot', 'octavia'].map((login) => leaseRequest(given.ground.user(login), 'room'));
    assert.ok(a && b && c);
    await runTurn(await runtimes.lease(a, soon()), say('Remember A.'));
    const held = await runtimes.lease(b, soon());
    const inHisPlace = await runtimes.lease(c, soon());
    assert.equal(runtimes.status().length, 2);
    await assert.rejects(runtimes.lease(a, soon()), { code: 'runtimes_busy', retryAfter: 2 });
    held.release({ keepWarm: true });
    inHisPlace.release({ keepWarm: true });
    const { answer } = await runTurn(await runtimes.lease(a, soon()), say('what did I say before?'));
    assert.match(answer, /Remember A\./);
    await runtimes.close();
  });

  test('many first uses of one person start one process', async () => {
    const runtimes = await given.ground.open();
    const user = given.ground.user('hubot');
    const chats = ['x1', 'x2', 'x3', 'x4'];
    await Promise.all(
      chats.map(async (chat) => runTurn(await runtimes.lease(leaseRequest(user, chat), soon()), say(chat))),
    );
    assert.equal(runtimesOf(runtimes.dataDir).length, 1);
    await runtimes.close();
  });

  test('with idleMs 0 a lease has a runtime of its own that ends with it', async () => {
    const runtimes = await given.ground.open({ leases: { idleMs: 0 } });
    const request = leaseRequest(given.ground.user('hubot'), 'strict');
    for (const text of ['One.', 'what did I say before?']) {
      const lease = await runtimes.lease(request, soon());
      assert.equal(lease.cold, true);
      await runTurn(lease, say(text));
    }
    await eventually(() => runtimes.status().length === 0);
    await runtimes.close();
  });

  test('idle runtimes end after LEASE_IDLE_SECONDS', async () => {
    let now = Date.now();
    const dependencies = { clock: () => now, timings: { tick: 20 } };
    const runtimes = await given.ground.open({ leases: { idleMs: 60_000 }, dependencies });
    await runTurn(await runtimes.lease(leaseRequest(given.ground.user('hubot'), 'idle'), soon()), say('Hello'));
    now += 59_000;
    assert.equal(runtimes.status().length, 1);
    now += 2_000;
    await eventually(() => runtimes.status().length === 0 && runtimesOf(runtimes.dataDir).length === 0);
    await runtimes.close();
  });

  test('warming up takes the cost of the first turn away, and respects the limit', async () => {
    const runtimes = await given.ground.open({ leases: { maxRuntimes: 1 } });
    const user = given.ground.user('hubot');
    runtimes.warm(user);
    await eventually(() => runtimes.status().some((runtime) => runtime.busy === 0));
    runtimes.warm(given.ground.user('mona'));
    await runTurn(await runtimes.lease(leaseRequest(user, 'warmed'), soon()), say('Hello'));
    assert.equal(runtimes.status().length, 1);
    await runtimes.close();
  });
}

function swarmContract(given: Contract): void {
  test('many people at once, some cancelling: no answer and no token crosses', async () => {
    const logins = ['mona', 'hubot', 'octavia', 'lovelace', 'samuel', 'renata'];
    const users = logins.map((login) => ({ login, user: given.ground.user(login, 9) }));
    const tokens = new Map(users.map(({ login, user }) => [login, user.credential.token]));
    const chat = async (who: (typeof users)[number], name: string, salt: number): Promise<void> => {
      for (let round = 0; round < 3; round += 1) {
        const lease = await given.runtimes.lease(leaseRequest(who.user, `swarm-${name}`), soon());
        const stop = new AbortController();
        const cancels = (salt + round) % 3 === 0;
        let heard = '';
        const prompt = `canary-${who.login}-${name}-${round} what did I say before? [[pace:2]]`;
        for await (const event of lease.run(say(prompt), stop.signal)) {
          if (event.type === 'text') heard += event.text;
          if (cancels && heard.length > 20) stop.abort();
        }
        lease.release({ keepWarm: true });
        const foreign = [...heard.matchAll(/canary-(\w+)-(\w+)-/g)].filter(([, l, n]) => l !== who.login || n !== name);
        assert.deepEqual(foreign, []);
        if (!cancels) assert.ok(heard.includes(`canary-${who.login}-${name}-${round}`));
      }
    };
    await Promise.all(users.flatMap((who, index) => ['a', 'b', 'c'].map((name, at) => chat(who, name, index + at))));
    const requests = given.ground.api.modelRequests.filter((request) =>
      JSON.stringify(request.messages).includes('canary-'),
    );
    for (const request of requests) {
      const names = new Set(
        [...JSON.stringify(request.messages).matchAll(/canary-(\w+?)-[abc]-/g)].map(([, login]) => login),
      );
      if (names.size === 0) continue;
      assert.equal(names.size, 1, 'one conversation holds one person’s words');
      assert.equal(request.token, tokens.get([...names][0] ?? ''), 'and is paid with that person’s token');
    }
  });
}

function payContract(given: Contract): void {
  test('COPILOT_AUTH=byok: the provider’s key and no GitHub token at all, also after a resume', async () => {
    const { api } = given.ground;
    const key = api.issueToken('mona');
    const provider = {
      type: 'openai' as const,
      baseUrl: api.copilotApiUrl,
      apiKey: key,
      models: ['gpt-5-mini', 'own'],
    };
    const copilot = { auth: 'byok' as const, provider };
    const user = { userId: '77', credential: { kind: 'byok' as const } };
    const request = leaseRequest(user, 'byok', { model: null });
    for (const text of ['I pay myself. (k1)', 'what did I say before? (k2)']) {
      const runtimes = await given.ground.open({ copilot });
      const { answer } = await runTurn(await runtimes.lease(request, soon()), say(text));
      assert.match(answer, /I pay myself\./);
      assert.deepEqual(
        (await runtimes.models(user, soon())).map(({ id }) => id),
        ['gpt-5-mini', 'own'],
      );
      assert.deepEqual(await runtimes.quota(user, soon()), []);
      await runtimes.close();
    }
    for (const mark of ['(k1)', '(k2)']) {
      assert.equal(seen(given, mark).token, key);
      assert.equal(seen(given, mark).model, 'gpt-5-mini');
    }
  });

  test('COPILOT_AUTH=service: one token pays, people stay apart, and its refusal blames nobody', async () => {
    const token = given.ground.api.issueToken('mona');
    const credential = { kind: 'service' as const, token };
    const turn = async (userId: string, text: string) =>
      runTurn(await given.runtimes.lease(leaseRequest({ userId, credential }, 'service'), soon()), say(text));
    await turn('81', 'canary-of-81 (s1)');
    const { answer } = await turn('82', 'what did I say before? (s2)');
    assert.doesNotMatch(answer, /canary-of-81/);
    assert.equal(seen(given, '(s2)').token, token);
    await assert.rejects(turn('82', '[[fault:403]]'), { code: 'upstream_failed' });
  });
}

/** Waits for what another process does, looking again with every turn of the event loop. */
async function eventually(holds: () => boolean): Promise<void> {
  const until = performance.now() + 10_000;
  while (!holds()) {
    assert.ok(performance.now() < until, 'it did not come to pass within 10 s');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function contentsBelow(folder: string): Promise<string> {
  const { readFile } = await import('node:fs/promises');
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const texts = await Promise.all(files.map((file) => readFile(join(file.parentPath, file.name), 'latin1')));
  return texts.join('\n');
}
