/**
 * A database into which an installation is being copied (`npm run copy-store`) has a table that says how far it got, until
 * it is whole. What is written to it meanwhile would belong to neither installation.
 */
import { sql } from 'kysely';
import type { Database } from './database.ts';

/** How far a copy is. */
export const COPY_PROGRESS = 'copy_progress';

/** Whether a copy into the database was begun and not finished. */
export async function hasUnfinishedCopy({ engine, read }: Database): Promise<boolean> {
  const { rows } =
    engine === 'postgres'
      ? await sql<{ there: number }>`select count(*) as there from pg_tables
          where schemaname = current_schema() and tablename = ${COPY_PROGRESS}`.execute(read)
      : await sql<{ there: number }>`select count(*) as there from sqlite_schema
          where type = 'table' and name = ${COPY_PROGRESS}`.execute(read);
  return rows[0]?.there === 1;
}

/** @throws Error in words for an operator */
export async function refuseUnfinishedCopy(database: Database): Promise<void> {
  if (!(await hasUnfinishedCopy(database))) return;
  throw new Error(
    'An installation is being copied into this database, or the copy was broken off: ' +
      'run npm run copy-store again until it says that everything is there (docs/operations.md).',
  );
}
