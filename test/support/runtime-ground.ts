import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../src/config.ts';
import { defaultPeople } from '../../src/demo/people.ts';
import { type StandIn, startStandIn } from '../../src/demo/stand-in.ts';
import { openRuntimes, type RuntimeDependencies } from '../../src/runtimes/open-runtimes.ts';
import type { Runtimes, RuntimeUser } from '../../src/runtimes/runtime-port.ts';
import type { SessionFileRepository } from '../../src/session-files.ts';
import { openStore } from '../../src/store/open-store.ts';
import { CONNECTION_TOKEN, type HeadlessServer, type ServerKind, startServer } from './runtime-server.ts';
import { recordingLogger, runtimeConfig } from './runtime-settings.ts';

/** An arrangement the contract is run against. */
export type Arrangement = 'isolated' | 'shared' | 'external-native' | 'external-cli';

/** What a test may want different. */
export interface OpenChanges {
  readonly copilot?: Partial<Config['copilot']>;
  readonly leases?: Partial<Config['leases']>;
  readonly dependencies?: Partial<RuntimeDependencies>;
}

/** One stand-in, one store, one server if there is one: shared by all tests of an arrangement. */
export interface Ground {
  readonly arrangement: Arrangement;
  readonly api: StandIn;
  readonly files: SessionFileRepository;
  readonly logger: ReturnType<typeof recordingLogger>;
  /** Our store keeps the runtimes' state. */
  readonly stateInStore: boolean;
  /** Runtimes with an empty disk of their own (and the same store), closed with the ground. */
  open(changes?: OpenChanges): Promise<Runtimes & { readonly dataDir: string }>;
  /** A further server with its own volume; only where servers are external. */
  startServer(settings?: { volume?: string; port?: number; env?: Record<string, string> }): Promise<HeadlessServer>;
  folder(): Promise<string>;
  /** A user of the stand-in with a live token. */
  user(login: string, version?: number): RuntimeUser & { readonly credential: { readonly token: string } };
  close(): Promise<void>;
}

export async function layGround(arrangement: Arrangement): Promise<Ground> {
  const base = await mkdtemp(join(tmpdir(), 'runtimes-'));
  // One more person, whose list of models a test may change while others run.
  const picky = { id: 2001, login: 'picky', name: 'Picky', orgs: [], avatarUrl: '/avatars/2001' };
  const api = await startStandIn({ people: [...defaultPeople(), picky] });
  const store = await openStore({ kind: 'sqlite', path: ':memory:' });
  const logger = recordingLogger();
  const opened: Runtimes[] = [];
  const servers: HeadlessServer[] = [];
  const kind: ServerKind | null =
    arrangement === 'external-native' ? 'native' : arrangement === 'external-cli' ? 'cli' : null;
  const env = { COPILOT_API_URL: api.copilotApiUrl, COPILOT_DEBUG_GITHUB_API_URL: api.debugGitHubApiUrl };
  const folder = (): Promise<string> => mkdtemp(join(base, 'd-'));

  const start: Ground['startServer'] = async (settings = {}) => {
    if (!kind) throw new Error('This arrangement has no servers');
    const volume = settings.volume ?? (await folder());
    const server = await startServer(kind, { ...settings, env: { ...env, ...settings.env }, volume });
    servers.push(server);
    return server;
  };
  const common = kind ? await start() : null;

  return {
    arrangement,
    api,
    files: store.sessionFiles,
    logger,
    stateInStore: kind === null,
    folder,
    startServer: start,
    open: async (changes = {}) => {
      const dataDir = await folder();
      const topology = kind ? 'external' : arrangement === 'shared' ? 'shared' : 'isolated';
      const external = common ? { cliUrls: [common.url], connectionToken: CONNECTION_TOKEN } : {};
      const config = runtimeConfig(
        { dataDir, copilotApiUrl: api.copilotApiUrl, debugGitHubApiUrl: api.debugGitHubApiUrl },
        {
          copilot: { topology, sharedRuntimes: 2, ...external, ...changes.copilot },
          ...(changes.leases && { leases: changes.leases }),
        },
      );
      const dependencies = { sessionFiles: store.sessionFiles, logger, ...changes.dependencies };
      const runtimes = await openRuntimes(config, dependencies);
      opened.push(runtimes);
      return Object.assign(runtimes, { dataDir });
    },
    user: (login, version = 1) => {
      const person = api.people.find((one) => one.login === login);
      if (!person) throw new Error(`There is no ${login}`);
      const credential = { kind: 'github' as const, token: api.issueToken(login), version };
      return { userId: String(person.id), credential };
    },
    close: async () => {
      await Promise.all(opened.map((runtimes) => runtimes.close()));
      for (const server of servers) server.kill('SIGKILL');
      await Promise.all(servers.map((server) => server.ended()));
      await store.close();
      await api.close();
      await rm(base, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
