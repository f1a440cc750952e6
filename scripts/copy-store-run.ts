/**
 * Copies an installation from one database to another, table by table, in steps by key. Each step commits with the note of
 * how far it got, so a copy that was killed anywhere goes on where it was. In the end every row is compared.
 */
import type { Database } from '../src/store/database.ts';
import { MIGRATIONS } from '../src/store/migrations/migrations.ts';
import { checkSchema, isUpToDate, migrate } from '../src/store/migrator.ts';
import type { DatabaseLocation } from '../src/store/open-store.ts';
import { SearchIndex } from '../src/store/search-index.ts';
import { ConstraintError } from '../src/store/store-errors.ts';
import { hasUnfinishedCopy } from '../src/store/unfinished-copy.ts';
import { compare, type TableCount } from './copy-store-compare.ts';
import { alone, filledTable, refuseIfInUse, refuseUnknownTables } from './copy-store-guards.ts';
import { continueIdentity } from './copy-store-identity.ts';
import { beginCopy, endCopy, moveOn, placeOf } from './copy-store-progress.ts';
import { insertRows, keyValues, nextRows, type Row, type Shape, STEP, type StepBounds } from './copy-store-rows.ts';
import { makeFindable, SEARCH_STEP, textsOf } from './copy-store-search.ts';
import { COPIED_TABLES, columnsOf, SEARCH_TABLE } from './copy-store-tables.ts';

const CHANGED =
  'The source was changed while it was copied, or since the copy began: take an empty database and begin anew.';

/** A database and where it is. */
export interface CopyEnd {
  readonly location: DatabaseLocation;
  readonly database: Database;
}

export interface CopyOptions {
  /** Told after each step. */
  readonly progress?: (table: string, rows: number) => void;
  /** Rows of one step at most. */
  readonly step?: number;
}

/**
 * Copies everything and compares. Does nothing but compare when everything is there.
 * @throws Error when a gateway works on either database, the source's schema is not up to date, a table is not known here,
 * the target has something that this copy did not put there, or the source was changed meanwhile
 */
export async function copyStore(
  source: CopyEnd,
  target: CopyEnd,
  options: CopyOptions = {},
): Promise<readonly TableCount[]> {
  const ends = [source.database, target.database];
  return alone(ends, async () => {
    await refuseIfInUse(source.database, 'source');
    await refuseIfInUse(target.database, 'target');
    await checkSchema(source.database, MIGRATIONS);
    await refuseUnknownTables(source.database, 'source');
    if (await hasUnfinishedCopy(source.database)) throw new Error('The source is itself a copy that is not finished.');
    const shapes = await shapesOf(source.database);
    const there = await whatIsThere(source.database, target.database, shapes);
    if (there !== null) return there;
    await migrate(target.database, MIGRATIONS);
    await refuseUnknownTables(target.database, 'target');
    await beginCopy(
      target.database,
      source.location,
      shapes.map(({ name }) => name),
    );
    await copyTables(source.database, target.database, shapes, options);
    const { counts, difference } = await compare(source.database, target.database, shapes);
    if (difference !== null) throw new Error(`Not the same on both sides: ${difference}. ${CHANGED}`);
    await refuseIfInUse(source.database, 'source');
    await endCopy(target.database);
    return counts;
  });
}

/** What a copy that ended whole put there, but for saying so; null: nothing is. @throws Error when there is something else */
async function whatIsThere(
  source: Database,
  target: Database,
  shapes: readonly Shape[],
): Promise<readonly TableCount[] | null> {
  if (await hasUnfinishedCopy(target)) return null;
  const filled = await filledTable(target);
  if (filled === null) return null;
  if (await isUpToDate(target, MIGRATIONS)) {
    const { counts, difference } = await compare(source, target, shapes);
    if (difference === null) return counts;
  }
  throw new Error(`The target is not empty: it has rows in ${filled}. Take an empty database.`);
}

async function shapesOf(database: Database): Promise<Shape[]> {
  const shapes: Shape[] = [];
  for (const table of COPIED_TABLES) shapes.push({ ...table, columns: await columnsOf(database, table.name) });
  const columns = SEARCH_TABLE.key.map((name) => ({ name, isText: true }));
  return [...shapes, { ...SEARCH_TABLE, columns }];
}

async function copyTables(
  source: Database,
  target: Database,
  shapes: readonly Shape[],
  { progress, step = STEP.rows }: CopyOptions,
): Promise<void> {
  const search = new SearchIndex(target);
  for (const shape of shapes) {
    const isSearch = shape.name === SEARCH_TABLE.name;
    const bounds = { ...STEP, rows: Math.min(step, isSearch ? SEARCH_STEP : STEP.rows) };
    try {
      await copyTable({ source, target, shape, bounds, search: isSearch ? search : null }, (rows) =>
        progress?.(shape.name, rows),
      );
    } catch (error) {
      if (!(error instanceof ConstraintError)) throw error;
      throw new Error(`${shape.name}: ${error.message}. ${CHANGED}`, { cause: error });
    }
    if (shape.identity === true) await continueIdentity(target, shape);
  }
}

interface TableCopy {
  readonly source: Database;
  readonly target: Database;
  readonly shape: Shape;
  readonly bounds: StepBounds;
  /** With which the rows are made; null: they are put in as they are. */
  readonly search: SearchIndex | null;
}

async function copyTable(copy: TableCopy, progress: (rows: number) => void): Promise<void> {
  const { source, target, shape, bounds } = copy;
  for (;;) {
    const from = await placeOf(target, shape.name);
    const batch = await nextRows(source, shape, from.after, bounds);
    const last = batch.at(-1);
    progress(from.rows + batch.length);
    if (last === undefined) return;
    const to = { after: keyValues(shape, last), rows: from.rows + batch.length };
    const put = await putter(copy, batch);
    await target.transaction(async (trx) => {
      if (await moveOn(trx, shape.name, from, to)) await put(trx);
    });
  }
}

type Put = (trx: Parameters<Parameters<Database['transaction']>[0]>[0]) => Promise<unknown>;

async function putter({ source, target, shape, search }: TableCopy, batch: readonly Row[]): Promise<Put> {
  if (search === null) return (trx) => insertRows(shape, batch, target.engine).execute(trx);
  const texts = await textsOf(source, batch);
  return (trx) => makeFindable(trx, search, texts);
}
