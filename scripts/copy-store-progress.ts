/** How far a copy has got: kept in the target until it is whole, so that a start refuses it (`unfinished-copy.ts`). */
import { createHash } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import type { Database } from '../src/store/database.ts';
import type { DatabaseLocation } from '../src/store/open-store.ts';
import type { Schema } from '../src/store/schema.ts';
import { COPY_PROGRESS } from '../src/store/unfinished-copy.ts';
import type { Key } from './copy-store-rows.ts';

/** Of one table. */
export interface Place {
  /** Key of the last row that is there; null: none is. */
  readonly after: Key | null;
  readonly rows: number;
}

const PROGRESS = sql.table(COPY_PROGRESS);
/** Beside the tables' names. */
const SOURCE = 'the source';
const START: Place = { after: null, rows: 0 };

/** Begins a copy from `source`, or goes on with one. @throws Error when another was begun */
export async function beginCopy(
  database: Database,
  source: DatabaseLocation,
  tables: readonly string[],
): Promise<void> {
  const from = fingerprint(source);
  await database.transaction(async (trx) => {
    await sql`create table if not exists ${PROGRESS} (name text primary key, value text not null)`.execute(trx);
    const { rows } = await sql<{ value: string }>`select value from ${PROGRESS} where name = ${SOURCE}`.execute(trx);
    if (rows[0] !== undefined && rows[0].value !== from)
      throw new Error('The target has part of a copy from elsewhere: take an empty database.');
    const places = tables.map((name) => sql`(${name}, ${JSON.stringify(START)})`);
    await sql`insert into ${PROGRESS} (name, value) values (${SOURCE}, ${from}), ${sql.join(places)}
      on conflict (name) do nothing`.execute(trx);
  });
}

export async function placeOf({ read }: Database, table: string): Promise<Place> {
  const { rows } = await sql<{ value: string }>`select value from ${PROGRESS} where name = ${table}`.execute(read);
  return JSON.parse(rows[0]?.value ?? '') as Place;
}

/**
 * Moves on, in the transaction that puts the rows in. @returns false when the place is not the one expected any more: what a
 * killed copy had sent to the database was still on its way.
 */
export async function moveOn(trx: Kysely<Schema>, table: string, from: Place, to: Place): Promise<boolean> {
  const { rows } = await sql`update ${PROGRESS} set value = ${JSON.stringify(to)}
    where name = ${table} and value = ${JSON.stringify(from)} returning name`.execute(trx);
  return rows.length === 1;
}

export async function endCopy(database: Database): Promise<void> {
  await database.write((db) => sql`drop table ${PROGRESS}`.execute(db));
}

function fingerprint(location: DatabaseLocation): string {
  return createHash('sha256').update(nameOfPlace(location)).digest('hex');
}

/** Which database it is; who reads it, and by which password, is no part of that. */
export function nameOfPlace(location: DatabaseLocation): string {
  if (location.kind === 'sqlite') return `sqlite:${location.path}`;
  const { host, pathname } = new URL(location.url);
  return `postgres://${host}${pathname}`;
}
