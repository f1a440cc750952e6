/** What has to be so before an installation is copied. */
import { sql } from 'kysely';
import type { Database } from '../src/store/database.ts';
import { COPIED_TABLES, tablesOf, unknownAmong } from './copy-store-tables.ts';

/** How long an earlier copy that was killed may take to let go, ms. */
const LET_GO_MS = 5_000;

/**
 * A SQLite file is owned by whoever opened it; on a PostgreSQL, gateways and workers are seen by their connections.
 * @throws Error naming `which`
 */
export async function refuseIfInUse({ engine, read }: Database, which: string): Promise<void> {
  if (engine === 'sqlite') return;
  const { rows } = await sql<{ n: number }>`select count(*) as n from pg_stat_activity
    where datname = current_database() and application_name in ('pilothouse-notices', 'pilothouse-jobs')`.execute(read);
  if ((rows[0]?.n ?? 0) > 0) throw new Error(`Gateways or workers run on the ${which}: stop them first.`);
}

/** @throws Error when a newer version or somebody else made a table that would be left behind */
export async function refuseUnknownTables(database: Database, which: string): Promise<void> {
  const unknown = unknownAmong(await tablesOf(database));
  if (unknown.length > 0)
    throw new Error(`It is not known how to copy ${unknown.join(', ')} of the ${which}: nothing was copied.`);
}

/** The first table that has rows of an installation; null: none has. */
export async function filledTable(database: Database): Promise<string | null> {
  const there = new Set(await tablesOf(database));
  for (const { name } of COPIED_TABLES.filter(({ name }) => there.has(name))) {
    const { rows } = await sql`select 1 from ${sql.table(name)} limit 1`.execute(database.read);
    if (rows.length > 0) return name;
  }
  return null;
}

/** Runs `work` as the only copy that reads or writes these databases. */
export async function alone<T>(databases: readonly Database[], work: () => Promise<T>): Promise<T> {
  const [database, ...others] = databases;
  if (database === undefined) return work();
  const patience = AbortSignal.timeout(LET_GO_MS);
  return database
    .withLock('copy-store', patience, () => alone(others, work))
    .catch((error: unknown) => {
      if (error !== patience.reason) throw error;
      throw new Error('Another copy works on one of the databases: wait for it, or end it.', { cause: error });
    });
}
