/** `npm run migrate` as an operator runs it: a process, on both engines. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { sql } from 'kysely';
import { MIGRATIONS } from '../../src/store/migrations/migrations.ts';
import { MIGRATION_LOCK, migrate } from '../../src/store/migrator.ts';
import { type DatabaseLocation, openDatabase, openStore, ownDatabase } from '../../src/store/open-store.ts';
import { runCommand, startCommand } from '../support/command.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';
import { until } from '../turns/support/turns.ts';

const NEWEST = MIGRATIONS.length;
const DONE = new RegExp(`Applied 1 initial\\.[^]*Done: the schema is version ${NEWEST}`);
const NOTHING = `Nothing to do: the schema is version ${NEWEST}.\n`;

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pilothouse-migrate-'));
});
after(() => rm(directory, { recursive: true, force: true }));

describe('npm run migrate on SQLite', () => {
  let files = 0;
  const place = async () => {
    const path = join(directory, `${++files}.db`);
    return { location: { kind: 'sqlite', path } as const, url: `sqlite:${path}` };
  };
  commandContract(place);

  it('waits for another one, and refuses in clear words what a gateway has', async () => {
    const { location, url } = await place();
    const owner = ownDatabase(location);
    const refused = await runCommand('migrate', ['--wait', '0'], { DATABASE_URL: url });
    assert.equal(refused.code, 1);
    assert.match(refused.err, /^Another process runs on .*stop the other one/);
    const waiting = startCommand('migrate', [], { DATABASE_URL: url });
    // It has started, and has not given up: a second one that does not wait comes and goes meanwhile.
    await runCommand('migrate', ['--wait', '0'], { DATABASE_URL: url });
    assert.equal(waiting.process.exitCode, null);
    owner[Symbol.dispose]();
    assert.match((await waiting.ended).out, DONE);
  });

  it('does not wait for ever by a slip', async () => {
    const { url } = await place();
    const { code, err } = await runCommand('migrate', ['--wait', 'long'], { DATABASE_URL: url });
    assert.deepEqual([code, err], [1, '--wait is a number of seconds.\n']);
  });

  it('makes the database of DATA_DIR when no other is named', async () => {
    const { out } = await runCommand('migrate', [], { DATA_DIR: join(directory, 'data') });
    assert.match(out, DONE);
    await (
      await openStore({ kind: 'sqlite', path: join(directory, 'data', 'gateway.db') }, { migrate: false })
    ).close();
  });
});

describe('npm run migrate on PostgreSQL', () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres();
  });
  after(() => server.close());
  const place = async () => {
    const url = await server.createDatabase();
    return { location: { kind: 'postgres', url } as const, url };
  };
  commandContract(place);

  it('waits for another one, however long that takes, and goes on when it was killed', async () => {
    const { location, url } = await place();
    const database = openDatabase(location);
    const waiters = async () => {
      const { rows } = await sql<{ pid: number; seconds: number }>`select pid,
        extract(epoch from clock_timestamp() - query_start)::float8 as seconds from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock' and wait_event = 'advisory'`.execute(
        database.read,
      );
      return rows;
    };
    const first = startCommand('migrate', [], { DATABASE_URL: url });
    const gateway = { kind: 'postgres', url, statementTimeoutMs: 50 } as const;
    const opened = await database.transaction(async (trx) => {
      await sql`select pg_advisory_xact_lock(${MIGRATION_LOCK})`.execute(trx);
      await until('the first waits', async () => (await waiters()).length === 1);
      first.process.kill('SIGKILL');
      await first.ended;
      const start = openStore(gateway);
      // A request would have been given up by then, on both sides.
      await until('the gateway waits long', async () => (await waiters()).some(({ seconds }) => seconds > 1.5));
      return { start };
    });
    await (await opened.start).close();
    assert.equal((await runCommand('migrate', [], { DATABASE_URL: url })).out, NOTHING);
    await database.close();
  });

  it('tells what keeps it from the database, and not its password', async () => {
    const gone = 'postgres://somebody:a-password@127.0.0.1:1/none';
    const { code, out, err } = await runCommand('migrate', [], { DATABASE_URL: gone });
    assert.equal(code, 1);
    assert.match(err, /ECONNREFUSED/);
    assert.doesNotMatch(out + err, /a-password/);
  });
});

function commandContract(place: () => Promise<{ location: DatabaseLocation; url: string }>): void {
  it('says what it did, and that there was nothing to do', async () => {
    const { url } = await place();
    const first = await runCommand('migrate', [], { DATABASE_URL: url });
    assert.deepEqual([first.code, first.err], [0, '']);
    assert.match(first.out, DONE);
    const second = await runCommand('migrate', [], { DATABASE_URL: url });
    assert.deepEqual([second.code, second.out], [0, NOTHING]);
  });

  it('of three at once each ends well, and each step was applied by one', async () => {
    const { url } = await place();
    const ends = await Promise.all([1, 2, 3].map(() => runCommand('migrate', [], { DATABASE_URL: url })));
    assert.deepEqual(
      ends.map(({ code }) => code),
      [0, 0, 0],
      ends.map(({ err }) => err).join('\n'),
    );
    const steps = ends.flatMap(({ out }) => out.match(/Applied \d+/g) ?? []);
    assert.deepEqual(steps.toSorted(), MIGRATIONS.map(({ version }) => `Applied ${version}`).toSorted());
  });

  it('goes on where an earlier version left the schema', async () => {
    const { location, url } = await place();
    const database = openDatabase(location);
    await assert.rejects(migrate(database, [...MIGRATIONS.slice(0, 2), broken()]), /syntax/);
    await database.close();
    const { out } = await runCommand('migrate', [], { DATABASE_URL: url });
    assert.doesNotMatch(out, /Applied [12] /);
    assert.match(out, /^Applied 3 /);
  });

  it('refuses a newer schema in clear words', async () => {
    const { location, url } = await place();
    const database = openDatabase(location);
    await migrate(database, [...MIGRATIONS, { version: NEWEST + 1, name: 'newer', statements: () => [] }]);
    await database.close();
    const { code, err } = await runCommand('migrate', [], { DATABASE_URL: url });
    assert.equal(code, 1);
    assert.match(err, /newer than the \d+ this gateway knows: start the newer gateway/);
  });
}

/** Where an earlier version ends. */
function broken() {
  return { version: 3, name: 'not there yet', statements: () => ['not sql'] };
}
