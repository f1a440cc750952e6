/**
 * `npm run migrate -- [--wait <seconds>]`: brings the database of `DATABASE_URL` to the schema of this version and says what it
 * did. A start does the same by itself; this is for who wants it done before, or by an account of its own. It needs no other
 * variable, and may be killed anywhere and run again.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { parseDatabaseConfig } from '../src/config.ts';
import { MIGRATIONS } from '../src/store/migrations/migrations.ts';
import { migrate } from '../src/store/migrator.ts';
import { type DatabaseLocation, openForMigrations, ownDatabase } from '../src/store/open-store.ts';
import { isSqliteBusy } from '../src/store/store-errors.ts';
import { runCommand } from './command.ts';

/** Between two attempts to own a SQLite file, ms. */
const PAUSE_MS = 100;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { wait: { type: 'string', default: '30' } } });
  const waitMs = Number(values.wait) * 1_000;
  if (!(waitMs >= 0)) throw new Error('--wait is a number of seconds.');
  const location = parseDatabaseConfig(process.env);
  using _owner = await owned(location, waitMs);
  const database = openForMigrations(location);
  try {
    const applied = await migrate(database, MIGRATIONS);
    for (const { version, name } of applied) console.log(`Applied ${version} ${name}.`);
    const now = `the schema is version ${MIGRATIONS.at(-1)?.version}.`;
    console.log(applied.length === 0 ? `Nothing to do: ${now}` : `Done: ${now}`);
  } finally {
    await database.close();
  }
}

/** On PostgreSQL one migrator waits for another by itself; a SQLite file has one process at a time, so it is waited for. */
async function owned(location: DatabaseLocation, waitMs: number): Promise<Disposable> {
  for (const deadline = performance.now() + waitMs; ; await delay(PAUSE_MS)) {
    try {
      return ownDatabase(location);
    } catch (error) {
      if (performance.now() >= deadline || !isSqliteBusy((error as Error).cause)) throw error;
    }
  }
}

await runCommand(main);
