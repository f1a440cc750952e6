/**
 * Kysely's way to one SQLite connection. Own, because Kysely's asks for better-sqlite3's shape, and the shim published for
 * `node:sqlite` (kysely-node-sqlite 1.1.0) drops the rows of `returning`.
 */
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { mapStoreError } from '../store-errors.ts';
import type { SqliteStatements } from './sqlite-statements.ts';

/**
 * A dialect on `statements`' connection. `shared`: transactions run on it, so others wait for the connection; otherwise
 * every statement stands alone and nobody waits.
 */
export function sqliteDialect(statements: SqliteStatements, { shared }: { shared: boolean }): Dialect {
  return {
    createAdapter: () => (shared ? new SqliteAdapter() : new UnsharedAdapter()),
    createDriver: () => new SqliteDriver(statements),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

class UnsharedAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

class SqliteDriver implements Driver {
  readonly #connection: SqliteConnection;

  constructor(statements: SqliteStatements) {
    this.#connection = new SqliteConnection(statements);
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection;
  }

  beginTransaction(): Promise<void> {
    return refuse();
  }

  commitTransaction(): Promise<void> {
    return refuse();
  }

  rollbackTransaction(): Promise<void> {
    return refuse();
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {}
}

/** A transaction outside the write queue would see, and commit, the half-done work of others. */
async function refuse(): Promise<never> {
  throw new Error('use Database.transaction');
}

class SqliteConnection implements DatabaseConnection {
  readonly #statements: SqliteStatements;

  constructor(statements: SqliteStatements) {
    this.#statements = statements;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    try {
      const { rows, changes } = this.#statements.run(query.sql, query.parameters);
      return changes === undefined ? { rows: rows as R[] } : { rows: rows as R[], numAffectedRows: BigInt(changes) };
    } catch (error) {
      throw mapStoreError(error);
    }
  }

  // biome-ignore lint/correctness/useYield: the interface asks for a generator; no repository streams.
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('streaming is not supported');
  }
}
