/**
 * What the runtimes cost beside the bare SDK, per topology: `node scripts/bench-runtimes.ts [isolated|shared|external …]`.
 * The model is the stand-in's, at no delay, so that what is measured is ours and the runtime's. Ratios within one run are
 * what counts: bare SDK and ours take turns, one by one.
 */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CopilotClient, type CopilotSession, RuntimeConnection } from '@github/copilot-sdk';
import type { Runtimes, RuntimeUser } from '../src/runtimes/runtime-port.ts';
import { type Arrangement, type Ground, layGround } from '../test/support/runtime-ground.ts';
import { runtimesOf } from '../test/support/runtime-processes.ts';
import { CONNECTION_TOKEN } from '../test/support/runtime-server.ts';
import { leaseRequest, say } from '../test/support/runtime-settings.ts';

const ROUNDS = 7;
const TURNS = 12;
const soon = (): AbortSignal => AbortSignal.timeout(60_000);

interface Sample {
  readonly whole: number;
  readonly first: number;
}

const ARRANGEMENTS: Record<string, Arrangement> = {
  isolated: 'isolated',
  shared: 'shared',
  external: 'external-native',
  cli: 'external-cli',
};

const asked = process.argv.slice(2);
const rows: Record<string, Record<string, string>> = {};
for (const [name, arrangement] of Object.entries(ARRANGEMENTS)) {
  if (asked.length === 0 || asked.includes(name)) rows[name] = await measure(arrangement);
}
console.table(rows);

async function measure(arrangement: Arrangement): Promise<Record<string, string>> {
  const ground = await layGround(arrangement);
  const folder = await mkdtemp(join(tmpdir(), 'bench-runtimes-'));
  try {
    const runtimes = await ground.open();
    const start = await measureStart(ground);
    const bare = await openBare(ground, runtimes, folder);
    const user = ground.user('mona');
    const ours: Sample[] = [];
    const theirs: Sample[] = [];
    const ratios: number[] = [];
    await ourTurns(runtimes, user, 3);
    await bareTurns(bare.session, 3);
    for (let round = 0; round < ROUNDS; round += 1) {
      const [a, b]: [Sample[], Sample[]] = [[], []];
      for (let turn = 0; turn < TURNS; turn += 1) {
        a.push(...(await ourTurns(runtimes, user, 1)));
        b.push(...(await bareTurns(bare.session, 1)));
      }
      ours.push(...a);
      theirs.push(...b);
      ratios.push(median(a.map(({ whole }) => whole)) / median(b.map(({ whole }) => whole)));
    }
    const guide = arrangement.startsWith('external') ? await guideTurns(ground, runtimes) : null;
    const row = {
      ...start,
      'warm turn': ms(median(ours.map(({ whole }) => whole))),
      'bare SDK': ms(median(theirs.map(({ whole }) => whole))),
      ratio: median(ratios).toFixed(2),
      'first delta + ': ms(median(ours.map(({ first }) => first)) - median(theirs.map(({ first }) => first))),
      'guide’s way': guide === null ? '' : ms(guide),
      'memory/user': await memoryPerUser(ground),
    };
    await bare.end();
    return row;
  } finally {
    await ground.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** A first lease and first turn from nothing, and the same after `warm()`. */
async function measureStart(ground: Ground): Promise<Record<string, string>> {
  const cold = await ground.open();
  const began = performance.now();
  const lease = await cold.lease(leaseRequest(ground.user('hubot'), 'start'), soon());
  const leased = performance.now();
  for await (const _ of lease.run(say('Hello'), soon()));
  const done = performance.now();
  lease.release({ keepWarm: true });
  await cold.close();
  const readied = await ground.open();
  const user = ground.user('hubot');
  readied.warm(user);
  await new Promise((resolve) => setTimeout(resolve, 1_500)); // nobody is told when it is done
  const [again] = await ourTurns(readied, user, 1, 'warmed');
  await readied.close();
  return {
    'first lease': ms(leased - began),
    'first turn': ms(done - leased),
    'both after warm()': ms(again?.whole ?? 0),
  };
}

/** Turns of one chat through a lease each, as the turn engine takes them. */
async function ourTurns(runtimes: Runtimes, user: RuntimeUser, count: number, chat = 'bench'): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (let turn = 0; turn < count; turn += 1) {
    const began = performance.now();
    let first = 0;
    const lease = await runtimes.lease(leaseRequest(user, chat), soon());
    for await (const event of lease.run(say('Hello'), soon())) {
      if (event.type === 'text') first ||= performance.now() - began;
    }
    lease.release({ keepWarm: true });
    samples.push({ whole: performance.now() - began, first });
  }
  return samples;
}

async function bareTurns(session: CopilotSession, count: number): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (let turn = 0; turn < count; turn += 1) {
    const began = performance.now();
    let first = 0;
    const off = session.on('assistant.message_delta', () => {
      first ||= performance.now() - began;
    });
    await session.sendAndWait('Hello');
    off();
    samples.push({ whole: performance.now() - began, first });
  }
  return samples;
}

/** The SDK as its manual uses it, on the same kind of runtime and with the same session. */
async function openBare(ground: Ground, runtimes: Runtimes, folder: string) {
  const url = await serverOf(ground, runtimes);
  const client = new CopilotClient(
    url === null
      ? {
          connection: RuntimeConnection.forStdio({
            env: {
              HOME: folder,
              COPILOT_API_URL: ground.api.copilotApiUrl,
              COPILOT_DEBUG_GITHUB_API_URL: ground.api.debugGitHubApiUrl,
            },
          }),
          mode: 'empty',
          useLoggedInUser: false,
          baseDirectory: folder,
          workingDirectory: folder,
        }
      : { connection: RuntimeConnection.forUri(url, { connectionToken: CONNECTION_TOKEN }), mode: 'empty' },
  );
  const session = await client.createSession({ sessionId: 'bare', ...bareConfig(ground) });
  return { session, end: () => client.forceStop() };
}

function bareConfig(ground: Ground) {
  return {
    gitHubToken: ground.api.issueToken('mona'),
    model: 'gpt-5.4',
    streaming: true,
    availableTools: [],
    systemMessage: { mode: 'replace' as const, content: 'You are kind.' },
    disabledMcpServers: ['github-mcp-server'],
    enableSessionStore: false,
  };
}

/** GitHub's guide: a client per request, resume, `sendAndWait`, stop. Median of a turn in milliseconds. */
async function guideTurns(ground: Ground, runtimes: Runtimes): Promise<number> {
  const url = await serverOf(ground, runtimes);
  const config = bareConfig(ground);
  const times: number[] = [];
  for (let turn = 0; turn < TURNS + 1; turn += 1) {
    const began = performance.now();
    const client = new CopilotClient({
      connection: RuntimeConnection.forUri(url ?? '', { connectionToken: CONNECTION_TOKEN }),
      mode: 'empty',
    });
    await client.start();
    const session =
      turn === 0
        ? await client.createSession({ sessionId: 'guide', ...config })
        : await client.resumeSession('guide', config);
    await session.sendAndWait('Hello');
    await client.stop();
    if (turn > 0) times.push(performance.now() - began);
  }
  return median(times);
}

async function serverOf(ground: Ground, runtimes: Runtimes): Promise<string | null> {
  if (ground.stateInStore) return null;
  return runtimes.status()[0]?.name ?? null;
}

/** Proportional memory that one more user with one chat takes in our processes, over ten users. */
async function memoryPerUser(ground: Ground): Promise<string> {
  if (!ground.stateInStore) return '';
  const runtimes = await ground.open({ copilot: { sharedRuntimes: 1 } });
  const token = ground.api.issueToken('mona');
  const join = async (index: number): Promise<void> => {
    const user: RuntimeUser = { userId: `m${index}`, credential: { kind: 'github', token, version: 1 } };
    await ourTurns(runtimes, user, 1, 'memory');
  };
  await join(0);
  const before = proportionalBytes(runtimes.dataDir);
  for (let index = 1; index <= 10; index += 1) await join(index);
  const perUser = (proportionalBytes(runtimes.dataDir) - before) / 10;
  await runtimes.close();
  return `${(perUser / 1024 / 1024).toFixed(1)} MiB`;
}

function proportionalBytes(dataDir: string): number {
  const kilobytes = runtimesOf(dataDir).map(({ pid }) =>
    Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0),
  );
  return kilobytes.reduce((sum, one) => sum + one, 0) * 1024;
}

function median(values: number[]): number {
  return values.toSorted((left, right) => left - right)[values.length >> 1] ?? Number.NaN;
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}
