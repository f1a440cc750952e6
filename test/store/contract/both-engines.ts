/** One contract, kept by both engines: every suite runs on a SQLite file and on a real PostgreSQL. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { type DatabaseLocation, openStore } from '../../../src/store/open-store.ts';
import type { Store } from '../../../src/store/store.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres.ts';
import type { StoreUnderTest } from './fixtures.ts';

/** Registers the tests of `suites` for either engine. */
export function onBothEngines(what: string, suites: readonly ((subject: StoreUnderTest) => void)[]): void {
  describe(`${what} on SQLite`, () => {
    let directory: string;
    let files = 0;
    before(async () => {
      directory = await mkdtemp(join(tmpdir(), 'pilothouse-store-'));
    });
    const stores = openStores('sqlite', async () => {
      files += 1;
      return { kind: 'sqlite', path: join(directory, `${files}.db`) };
    });
    after(() => rm(directory, { recursive: true, force: true }));
    for (const suite of suites) suite(stores);
  });

  describe(`${what} on PostgreSQL`, () => {
    let server: PostgresServer;
    before(async () => {
      server = await startPostgres();
    });
    let migrated: Promise<string> | undefined;
    const stores = openStores('postgres', async () => {
      // Migrations run once and are copied: 25 times would take longer than the tests.
      migrated ??= server.createDatabase().then(async (url) => {
        await (await openStore({ kind: 'postgres', url })).close();
        return url;
      });
      return { kind: 'postgres', url: await server.createDatabase(await migrated) };
    });
    after(() => server.close());
    for (const suite of suites) suite(stores);
  });
}

/** Closes whatever its suites opened. */
function openStores(engine: Store['engine'], locate: () => Promise<DatabaseLocation>): StoreUnderTest {
  const opened = new Map<Store, DatabaseLocation>();
  const open = async (location: DatabaseLocation): Promise<Store> => {
    const store = await openStore(location);
    opened.set(store, location);
    return store;
  };
  after(() => Promise.all([...opened.keys()].map((store) => store.close())));
  return {
    engine,
    fresh: async () => open(await locate()),
    sibling: async (store) => {
      const location = opened.get(store);
      if (!location) throw new Error('not opened here');
      return engine === 'sqlite' ? store : open(location);
    },
  };
}
