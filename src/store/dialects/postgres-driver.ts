/**
 * Kysely's way to the pool. Own, so that errors are mapped where they are raised, and so that a connection on which a
 * query timed out is thrown away: its answer would otherwise be taken for the next query's.
 */
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  type TransactionSettings,
} from 'kysely';
import type { Pool, PoolClient } from 'pg';
import { GatewayError } from '../../errors.ts';
import { mapStoreError } from '../store-errors.ts';

/** A dialect on `pool`, which its owner ends. SQL found in `names` is prepared on the server under that name. */
export function postgresDialect(pool: Pool, names: ReadonlyMap<string, string>): Dialect {
  return {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new PostgresDriver(pool, names),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  };
}

class PostgresDriver implements Driver {
  readonly #pool: Pool;
  readonly #names: ReadonlyMap<string, string>;

  constructor(pool: Pool, names: ReadonlyMap<string, string>) {
    this.#pool = pool;
    this.#names = names;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<PostgresConnection> {
    try {
      return new PostgresConnection(await this.#pool.connect(), this.#names);
    } catch (error) {
      throw mapStoreError(error);
    }
  }

  async beginTransaction(connection: DatabaseConnection, _settings: TransactionSettings): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin'));
  }

  async commitTransaction(connection: PostgresConnection): Promise<void> {
    // PostgreSQL answers COMMIT of a failed transaction with ROLLBACK and no error.
    if ((await connection.command('commit')) !== 'COMMIT') throw new Error('the transaction was rolled back');
  }

  async rollbackTransaction(connection: PostgresConnection): Promise<void> {
    // On a broken connection there is nothing to roll back any more; the error that broke it is already on its way.
    if (!connection.broken) await connection.command('rollback');
  }

  async releaseConnection(connection: PostgresConnection): Promise<void> {
    connection.release();
  }

  async destroy(): Promise<void> {}
}

class PostgresConnection implements DatabaseConnection {
  readonly #client: PoolClient;
  readonly #names: ReadonlyMap<string, string>;
  broken = false;

  constructor(client: PoolClient, names: ReadonlyMap<string, string>) {
    this.#client = client;
    this.#names = names;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const { rows, rowCount } = await this.#query(query.sql, query.parameters);
    return { rows: rows as R[], ...(rowCount === null ? {} : { numAffectedRows: BigInt(rowCount) }) };
  }

  async command(sql: string): Promise<string> {
    return (await this.#query(sql, [])).command;
  }

  release(): void {
    this.#client.release(this.broken);
  }

  // biome-ignore lint/correctness/useYield: the interface asks for a generator; no repository streams.
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('streaming is not supported');
  }

  async #query(sql: string, parameters: readonly unknown[]) {
    try {
      const name = this.#names.get(sql);
      const values = parameters as unknown[];
      return await this.#client.query(name === undefined ? { text: sql, values } : { name, text: sql, values });
    } catch (error) {
      const mapped = mapStoreError(error);
      // Refused by the server's word, with a SQLSTATE, the connection is sound; otherwise nobody knows.
      if (mapped instanceof GatewayError && !isSqlState(error)) this.broken = true;
      throw mapped;
    }
  }
}

function isSqlState(error: unknown): boolean {
  return /^[0-9A-Z]{5}$/.test(String((error as { code?: unknown }).code)) && 'severity' in (error as object);
}
