/**
 * Several gateways over one PostgreSQL, in this process, as one site: the same secrets, the same public URL, the same
 * stand-in. Whoever is signed in on one of them is signed in on all.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type StandIn, type StandInOptions, startStandIn } from '../../src/demo/stand-in.ts';
import { gatewayEnvironment, startTestGateway, type TestGateway } from './gateway.ts';
import { Browser } from './http-browser.ts';
import { type PostgresServer, startPostgres } from './postgres.ts';

/** Secrets that all instances of a test share. */
export const SHARED_SECRETS = {
  SESSION_SECRETS: Buffer.alloc(32, 1).toString('base64url'),
  CREDENTIAL_KEYS: Buffer.alloc(32, 2).toString('base64url'),
};

export interface TestCluster {
  readonly server: PostgresServer;
  readonly databaseUrl: string;
  readonly standIn: StandIn;
  readonly instances: readonly TestGateway[];
  /** The environment that one more instance needs, but for a `DATA_DIR` and a `PORT` of its own. */
  readonly env: Readonly<Record<string, string>>;
  /** One browser per instance, all with the session of one sign-in on the first. */
  signIn(login: string): Promise<Browser[]>;
  /** `browser`'s session on another address. */
  at(browser: Browser, url: string): Browser;
  close(): Promise<void>;
}

export interface TestClusterOptions {
  readonly instances?: number;
  readonly standIn?: StandInOptions;
  readonly env?: Readonly<Record<string, string>>;
  /** Per instance, what its machine believes the time to be. */
  readonly clocks?: readonly (() => number)[];
  /** What is different for an instance; the database is at `url`. */
  readonly envOf?: (url: string, instance: number) => Promise<Record<string, string>>;
}

/** Starts one. The caller closes it. */
export async function startTestCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const opened = new AsyncDisposableStack();
  try {
    return await open(options, opened);
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}

async function open(options: TestClusterOptions, opened: AsyncDisposableStack): Promise<TestCluster> {
  const server = opened.adopt(await startPostgres(), (it) => it.close());
  const databaseUrl = await server.createDatabase();
  const standIn = opened.adopt(await startStandIn(options.standIn), (it) => it.close());
  const shared = { DATABASE_URL: databaseUrl, ...SHARED_SECRETS, RATE_LIMIT_PER_MINUTE: '100000', ...options.env };
  const instances: TestGateway[] = [];
  for (let index = 0; index < (options.instances ?? 2); index += 1) {
    const site = instances[0] === undefined ? {} : { PUBLIC_URL: instances[0].url };
    const clock = options.clocks?.[index];
    const own = await options.envOf?.(databaseUrl, index);
    const instance = await startTestGateway({
      env: { ...shared, ...site, ...own },
      sharedStandIn: standIn,
      ...(clock === undefined ? {} : { clock }),
    });
    instances.push(opened.adopt(instance, (it) => it.close()));
  }
  const at = (browser: Browser, url: string) => {
    const other = new Browser(url);
    for (const [name, value] of browser.cookies) other.cookies.set(name, value);
    return other;
  };
  return {
    ...{ server, databaseUrl, standIn, instances, at },
    env: {
      ...gatewayEnvironment(standIn, { dataDir: 'given by whoever starts it', port: 0 }),
      ...shared,
      PUBLIC_URL: instances[0]?.url ?? '',
    },
    signIn: async (login) => {
      const [first, ...rest] = instances;
      if (first === undefined) throw new Error('no instance');
      const browser = await first.signIn(login);
      return [browser, ...rest.map(({ url }) => at(browser, url))];
    },
    close: () => opened.disposeAsync(),
  };
}

/** A directory of its own for a process, removed by the result. */
export async function temporaryDirectory(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'pilothouse-cluster-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
