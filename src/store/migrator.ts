/**
 * Brings a database to the schema this binary knows. Each step commits together with the row that notes it, so a process
 * killed anywhere leaves whole steps behind and the next start goes on from there. Kysely's own migrator does not: on
 * SQLite it runs outside a transaction (0.29.9, `supportsTransactionalDdl` is false).
 */
import { type Kysely, sql } from 'kysely';
import type { Database } from './database.ts';
import { forEngine, type Migration } from './migrations/migration.ts';
import type { Schema } from './schema.ts';

/** Any constant; every instance of the gateway uses the same. */
export const MIGRATION_LOCK = 7_145_301_118;

/**
 * Applies what is missing, one migrator at a time (SQLite: the write lock; PostgreSQL: an advisory lock).
 * @returns what this call applied
 * @throws Error when the schema is newer than `migrations` knows: an old binary must not write to it.
 */
export async function migrate(database: Database, migrations: readonly Migration[]): Promise<Migration[]> {
  // Looked up first, so that a start without anything to do writes nothing.
  if (await isUpToDate(database, migrations)) return [];
  const applied: Migration[] = [];
  for (const migration of migrations) {
    if (await database.transaction((trx) => apply(database.engine, trx, migration, migrations)))
      applied.push(migration);
  }
  await checkSchema(database, migrations);
  return applied;
}

/** Whether {@link migrate} has nothing to do. */
export async function isUpToDate(database: Database, migrations: readonly Migration[]): Promise<boolean> {
  return (await schemaVersion(database)) === known(migrations);
}

/**
 * @throws Error when the schema is not exactly the one that `migrations` end in.
 */
export async function checkSchema(database: Database, migrations: readonly Migration[]): Promise<void> {
  const version = await schemaVersion(database);
  refuseNewer(version, migrations);
  if (version < known(migrations)) {
    throw new Error(
      `The database has schema version ${version}; this gateway needs ${known(migrations)}: migrate first.`,
    );
  }
}

/** @returns false when another migrator had done it */
async function apply(
  engine: Database['engine'],
  trx: Kysely<Schema>,
  migration: Migration,
  migrations: readonly Migration[],
): Promise<boolean> {
  if (engine === 'postgres') {
    // A big step or another migrator may take longer than a request may.
    await sql`set local statement_timeout = 0`.execute(trx);
    await sql`set local lock_timeout = 0`.execute(trx);
    await sql`select pg_advisory_xact_lock(${MIGRATION_LOCK})`.execute(trx);
  }
  const integer = engine === 'postgres' ? 'bigint' : 'integer';
  await sql
    .raw(
      `create table if not exists schema_migrations (
        version integer primary key, name text not null, applied_at ${integer} not null
      )`,
    )
    .execute(trx);
  const version = await latest(trx);
  refuseNewer(version, migrations);
  if (version >= migration.version) return false;
  for (const statement of migration.statements(engine)) await sql.raw(forEngine(engine, statement)).execute(trx);
  await trx
    .insertInto('schema_migrations')
    .values({ version: migration.version, name: migration.name, applied_at: Date.now() })
    .execute();
  return true;
}

async function schemaVersion(database: Database): Promise<number> {
  const found =
    database.engine === 'postgres'
      ? await sql<{ there: number }>`select count(*) as there from pg_tables
          where schemaname = current_schema() and tablename = 'schema_migrations'`.execute(database.read)
      : await sql<{ there: number }>`select count(*) as there from sqlite_schema
          where type = 'table' and name = 'schema_migrations'`.execute(database.read);
  return found.rows[0]?.there ? latest(database.read) : 0;
}

async function latest(db: Kysely<Schema>): Promise<number> {
  const row = await db
    .selectFrom('schema_migrations')
    .select(({ fn }) => fn.max('version').as('version'))
    .executeTakeFirst();
  return row?.version ?? 0;
}

function known(migrations: readonly Migration[]): number {
  return migrations.at(-1)?.version ?? 0;
}

function refuseNewer(version: number, migrations: readonly Migration[]): void {
  if (version <= known(migrations)) return;
  throw new Error(
    `The database has schema version ${version}, newer than the ${known(migrations)} this gateway knows: ` +
      'start the newer gateway, or restore the backup made before it.',
  );
}
