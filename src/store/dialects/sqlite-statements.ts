/** The prepared statements of one SQLite connection, kept while they are used. */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';

/** Distinct SQL texts kept; lists of values make texts of many lengths, so there is a bound. */
const LIMIT = 500;

/** Runs a compiled query and answers its rows. */
export type RowReader = (values: readonly SQLInputValue[]) => Record<string, unknown>[];

interface Kept {
  statement: StatementSync;
  /** For a select, or anything with `returning`; null for what answers no rows. */
  read: RowReader | null;
}

/** Compiles each SQL text once. */
export class SqliteStatements {
  readonly #connection: DatabaseSync;
  readonly #kept = new Map<string, Kept>();

  constructor(connection: DatabaseSync) {
    this.#connection = connection;
  }

  /** A reader of its own for a hot query, never dropped. */
  prepare(sql: string): RowReader {
    return rowReader(this.#connection.prepare(sql));
  }

  /** Runs `sql`; rows for those that answer some, otherwise the number of changed rows. */
  run(sql: string, parameters: readonly unknown[]): { rows: unknown[]; changes: number | bigint | undefined } {
    const { statement, read } = this.#statement(sql);
    const values = parameters as readonly SQLInputValue[];
    if (read) return { rows: read(values), changes: undefined };
    return { rows: [], changes: statement.run(...values).changes };
  }

  close(): void {
    this.#kept.clear();
    this.#connection.close();
  }

  #statement(sql: string): Kept {
    const found = this.#kept.get(sql);
    if (found) return found;
    const statement = this.#connection.prepare(sql);
    const kept = { statement, read: statement.columns().length > 0 ? rowReader(statement) : null };
    const oldest = this.#kept.size >= LIMIT ? this.#kept.keys().next().value : undefined;
    if (oldest !== undefined) this.#kept.delete(oldest);
    this.#kept.set(sql, kept);
    return kept;
  }
}

/**
 * Takes rows as arrays and makes the objects itself: those of `node:sqlite` have a null prototype, and V8 keeps them as
 * dictionaries, which made a page of history twice as slow to read (Node 24.21).
 */
function rowReader(statement: StatementSync): RowReader {
  statement.setReturnArrays(true);
  const names = statement.columns().map((column) => column.name);
  return (values) => {
    const rows = statement.all(...values) as unknown as unknown[][];
    return rows.map((cells) => {
      const row: Record<string, unknown> = {};
      for (let index = 0; index < names.length; index += 1) row[names[index] as string] = cells[index];
      return row;
    });
  };
}
