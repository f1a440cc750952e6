/** The prepared statements of one SQLite connection, kept while they are used. */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';

/** Distinct SQL texts kept; lists of values make texts of many lengths, so there is a bound. */
const LIMIT = 500;

interface Kept {
  statement: StatementSync;
  /** Whether it answers rows: a select, or anything with `returning`. */
  reader: boolean;
}

/** Compiles each SQL text once. */
export class SqliteStatements {
  readonly #connection: DatabaseSync;
  readonly #kept = new Map<string, Kept>();

  constructor(connection: DatabaseSync) {
    this.#connection = connection;
  }

  /** A statement of its own for a hot query, never dropped. */
  prepare(sql: string): StatementSync {
    return this.#connection.prepare(sql);
  }

  /** Runs `sql`; rows for those that answer some, otherwise the number of changed rows. */
  run(sql: string, parameters: readonly unknown[]): { rows: unknown[]; changes: number | bigint | undefined } {
    const { statement, reader } = this.#statement(sql);
    const values = parameters as readonly SQLInputValue[];
    if (reader) return { rows: statement.all(...values), changes: undefined };
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
    const kept = { statement, reader: statement.columns().length > 0 };
    const oldest = this.#kept.size >= LIMIT ? this.#kept.keys().next().value : undefined;
    if (oldest !== undefined) this.#kept.delete(oldest);
    this.#kept.set(sql, kept);
    return kept;
  }
}
