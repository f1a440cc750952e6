/** Rows as they are read from one engine and put into another: in steps by key, of bounded size. */
import { type RawBuilder, sql } from 'kysely';
import type { Database } from '../src/store/database.ts';
import { storableText } from '../src/store/storable-text.ts';
import type { Column, CopiedTable } from './copy-store-tables.ts';

type Value = string | number | null;

/** The values of a row's key. */
export type Key = readonly Value[];

export type Row = Readonly<Record<string, Value>>;

/** A table and the columns of it that matter, which are the same on both engines. */
export interface Shape extends CopiedTable {
  readonly columns: readonly Column[];
}

/** How much one step may be. */
export interface StepBounds {
  readonly rows: number;
  /** Of text; a single row may be more. */
  readonly bytes: number;
}

/** Of 500 rows and 18 columns at most, SQLite takes the values in one statement. */
export const STEP: StepBounds = { rows: 500, bytes: 4 * 1024 * 1024 };

/** The rows after `after`, by key, as many as `bounds` allow. */
export async function nextRows(
  database: Database,
  shape: Shape,
  after: Key | null,
  bounds: StepBounds = STEP,
): Promise<Row[]> {
  const last = await lastOfStep(database, shape, after, bounds);
  return last === null ? [] : rowsBetween(database, shape, { after, last, limit: bounds.rows });
}

/** Sizes are asked for first: neither engine reads a text to tell its length. */
async function lastOfStep({ read }: Database, shape: Shape, after: Key | null, bounds: StepBounds) {
  const sizes = shape.columns
    .filter(({ isText }) => isText)
    .map(({ name }) => sql`coalesce(octet_length(${sql.ref(name)}), 0)`);
  const size = sizes.length === 0 ? sql`0` : sql.join(sizes, sql` + `);
  const { rows } = await sql<Row & { step_bytes: number }>`select ${keyOf(shape)}, ${size} as step_bytes
    from ${sql.table(shape.name)} where ${isAfter(shape, after)}
    order by ${keyOf(shape)} limit ${bounds.rows}`.execute(read);
  let bytes = 0;
  let last: Key | null = null;
  for (const row of rows) {
    bytes += row.step_bytes;
    if (last !== null && bytes > bounds.bytes) break;
    last = keyValues(shape, row);
  }
  return last;
}

/** The rows after `after` up to `last`, by key. */
export async function rowsBetween(
  { read }: Database,
  shape: Shape,
  { after, last, limit }: { after: Key | null; last: Key; limit: number },
): Promise<Row[]> {
  const { rows } = await sql<Row>`select ${names(shape)} from ${sql.table(shape.name)}
    where ${isAfter(shape, after)} and (${keyOf(shape)}) <= (${sql.join(last)})
    order by ${keyOf(shape)} limit ${limit}`.execute(read);
  return rows;
}

/** Whether there is a row after `after`. */
export async function hasMore({ read }: Database, shape: Shape, after: Key | null): Promise<boolean> {
  const { rows } = await sql`select 1 from ${sql.table(shape.name)} where ${isAfter(shape, after)} limit 1`.execute(
    read,
  );
  return rows.length > 0;
}

/** Puts `batch` in. */
export function insertRows(shape: Shape, batch: readonly Row[], engine: Database['engine']): RawBuilder<unknown> {
  const rows = batch.map((row) => sql`(${sql.join(values(shape, row))})`);
  const overriding = shape.identity === true && engine === 'postgres' ? sql`overriding system value` : sql``;
  return sql`insert into ${sql.table(shape.name)} (${names(shape)}) ${overriding} values ${sql.join(rows)}`;
}

export function keyValues({ key }: Shape, row: Row): Key {
  return key.map((column) => row[column] ?? null);
}

/** A row as it is stored anew, in the order of the columns. Texts of before `storable-text.ts` may have what not both keep. */
export function values({ columns }: Shape, row: Row): Value[] {
  return columns.map(({ name }) => {
    const value = row[name] ?? null;
    return typeof value === 'string' ? storableText(value) : value;
  });
}

function names({ columns }: Shape): RawBuilder<unknown> {
  return sql.join(columns.map(({ name }) => sql.ref(name)));
}

function keyOf({ key }: Shape): RawBuilder<unknown> {
  return sql.join(key.map((column) => sql.ref(column)));
}

function isAfter(shape: Shape, after: Key | null): RawBuilder<unknown> {
  return after === null ? sql`true` : sql`(${keyOf(shape)}) > (${sql.join(after)})`;
}
