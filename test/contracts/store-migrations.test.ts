/** Migrations on both engines: killed anywhere, run by many at once, older or newer than the binary. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { MIGRATIONS } from '../../src/store/migrations/migrations.ts';
import { checkSchema, migrate } from '../../src/store/migrator.ts';
import { type DatabaseLocation, openDatabase, openStore } from '../../src/store/open-store.ts';
import { accepted, ask, endOf, newChat, newUser } from '../store/contract/fixtures.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';

const CHILD = new URL('../store/contract/migrate-and-die.ts', import.meta.url).pathname;
/** Statements after which a migrator is killed: before anything, within the first step, at the end of all. */
const STATEMENTS = Math.min(statementsOf('sqlite').length, statementsOf('postgres').length);
const KILLED_AFTER = [0, 1, 20, STATEMENTS - 1];
const NEWEST = MIGRATIONS.length;

describe('migrations on SQLite', () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pilothouse-migrations-'));
  });
  after(() => rm(directory, { recursive: true, force: true }));
  let files = 0;
  migrationContract(async () => {
    files += 1;
    return { kind: 'sqlite', path: join(directory, `${files}.db`) };
  });
});

describe('migrations on PostgreSQL', () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres();
  });
  after(() => server.close());
  migrationContract(async () => ({ kind: 'postgres', url: await server.createDatabase() }));
});

function migrationContract(locate: () => Promise<DatabaseLocation>): void {
  for (const count of KILLED_AFTER) {
    it(`a migrator killed after ${count} statements leaves whole steps, and the next start completes them`, async () => {
      const location = await locate();
      const child = spawn(process.execPath, [CHILD], {
        env: { ...process.env, LOCATION: JSON.stringify(location), STATEMENTS: String(count) },
        stdio: 'inherit',
      });
      assert.deepEqual(await once(child, 'exit'), [null, 'SIGKILL']);
      await works(location);
    });
  }

  it('a start without anything to do changes nothing, and may be told not to migrate', async () => {
    const location = await locate();
    await assert.rejects(openStore(location, { migrate: false }), /schema version 0; this gateway needs \d+: migrate/);
    await works(location);
    await (await openStore(location, { migrate: false })).close();
  });

  it('of many that start at once each finds a whole schema', async () => {
    const location = await locate();
    const stores = await Promise.all(Array.from({ length: 5 }, () => openStore(location)));
    await Promise.all(stores.map((store) => store.ping(AbortSignal.timeout(5_000))));
    await Promise.all(stores.map((store) => store.close()));
  });

  it('an older gateway refuses a newer schema, and has not touched it', async () => {
    const location = await locate();
    await works(location);
    const database = openDatabase(location);
    const newer = [
      ...MIGRATIONS,
      { version: NEWEST + 1, name: 'newer', statements: () => ['create table newer (id integer primary key)'] },
    ];
    await migrate(database, newer);
    await assert.rejects(openStore(location), /newer than the \d+ this gateway knows/);
    await assert.rejects(openStore(location, { migrate: false }), /newer than the \d+ this gateway knows/);
    await checkSchema(database, newer);
    await database.close();
  });

  it('a step that fails leaves nothing of itself', async () => {
    const location = await locate();
    const database = openDatabase(location);
    const broken = { version: 1, name: 'broken', statements: () => ['create table half (id integer)', 'not sql'] };
    await assert.rejects(migrate(database, [broken]), /syntax/);
    await migrate(database, [{ ...broken, statements: () => ['create table half (id integer)'] }]);
    await database.close();
  });
}

/** The database opens and does what it is for. */
async function works(location: DatabaseLocation): Promise<void> {
  const store = await openStore(location);
  try {
    const chat = await newChat(store, await newUser(store), 'title');
    const turn = await accepted(store, ask(chat, { content: 'findable' }));
    assert.equal(await store.turns.end(endOf(turn)), true);
    assert.equal((await store.chats.list(chat.userId, { q: 'findable', limit: 5 })).items.length, 1);
    await store.users.erase(chat.userId);
  } finally {
    await store.close();
  }
}

function statementsOf(engine: 'sqlite' | 'postgres'): string[] {
  return MIGRATIONS.flatMap((migration) => [...migration.statements(engine)]);
}
