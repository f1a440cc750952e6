/** Compares two installations row by row, however big they are. */
import type { Database } from '../src/store/database.ts';
import {
  hasMore,
  type Key,
  keyValues,
  nextRows,
  type Row,
  rowsBetween,
  type Shape,
  values,
} from './copy-store-rows.ts';

/** Rows of a table, on both sides. */
export interface TableCount {
  readonly table: string;
  readonly rows: number;
}

/** The difference is the first row that only one side has or that is not the same; null: there is none. */
export interface Comparison {
  readonly counts: readonly TableCount[];
  readonly difference: string | null;
}

/** Compares table after table, up to the first difference. */
export async function compare(source: Database, target: Database, shapes: readonly Shape[]): Promise<Comparison> {
  const counts: TableCount[] = [];
  for (const shape of shapes) {
    const found = await compareTable(source, target, shape);
    if (typeof found === 'string') return { counts, difference: found };
    counts.push({ table: shape.name, rows: found });
  }
  return { counts, difference: null };
}

/** @returns how many rows there are, or the first difference */
async function compareTable(source: Database, target: Database, shape: Shape): Promise<number | string> {
  let after: Key | null = null;
  for (let rows = 0; ; ) {
    const ours: Row[] = await nextRows(source, shape, after);
    const lastRow = ours.at(-1);
    if (lastRow === undefined)
      return (await hasMore(target, shape, after)) ? `more rows of ${shape.name} in the target` : rows;
    const last: Key = keyValues(shape, lastRow);
    const theirs = await rowsBetween(target, shape, { after, last, limit: ours.length + 1 });
    const different = ours.find((row, index) => !isSame(shape, row, theirs[index])) ?? theirs[ours.length];
    if (different !== undefined) return nameOf(shape, different);
    after = last;
    rows += ours.length;
  }
}

function isSame(shape: Shape, ours: Row, theirs: Row | undefined): boolean {
  if (theirs === undefined) return false;
  return JSON.stringify(values(shape, ours)) === JSON.stringify(values(shape, theirs));
}

/** By its key: what else is in it may be private. */
function nameOf(shape: Shape, row: Row): string {
  return `${shape.name} ${JSON.stringify(keyValues(shape, row))}`;
}
