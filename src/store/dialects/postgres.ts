/**
 * PostgreSQL through `pg`: a pool for queries, and a small one for locks, which are held longer than a query and must
 * never take the last connection from the work that is done under them.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Compilable, Kysely, sql } from 'kysely';
import pg from 'pg';
import {
  compileStatement,
  type Database,
  fillSlots,
  type PreparedQuery,
  type Statement,
  type StoreLogger,
} from '../database.ts';
import { KeyedQueue } from '../keyed-queue.ts';
import type { NoticeBoard, NoticeListener } from '../notices.ts';
import type { Schema } from '../schema.ts';
import { mapStoreError, SerializationError, storeUnavailable } from '../store-errors.ts';
import { withAdvisoryLock } from './postgres-advisory-lock.ts';
import { postgresDialect } from './postgres-driver.ts';
import { PostgresNotices } from './postgres-notices.ts';

/** Where the server is and what it may take. Times are ms. */
export interface PostgresOptions {
  url: string;
  /** 10 unless told. */
  poolSize?: number;
  /** One statement; 10,000 unless told. */
  statementTimeoutMs?: number;
  /** Waiting for a row another transaction holds; 2,000 unless told. */
  lockTimeoutMs?: number;
}

const CONNECT_TIMEOUT_MS = 2_000;
const NOTICE_TIMEOUT_MS = 5_000;
/** Between two statements of a transaction; ours follow each other at once. */
const IDLE_IN_TRANSACTION_MS = 5_000;
/** Users whose credential one instance refreshes at the same time; the next wait. */
const LOCK_CONNECTIONS = 8;
const LOCK_CONNECT_TIMEOUT_MS = 10_000;
/** Times a transaction is run that collides with others. */
const ATTEMPTS = 4;

/** Opens a pool; connections are made when needed and again after they broke. */
export function openPostgres(options: PostgresOptions, logger: StoreLogger): Database {
  return new PostgresDatabase(options, logger);
}

class PostgresDatabase implements Database {
  readonly engine = 'postgres';
  /** Never: the server sees to its disk. */
  readonly failed = new AbortController().signal;
  readonly read: Kysely<Schema>;
  readonly #pool: pg.Pool;
  readonly #lockPool: pg.Pool;
  readonly #locks = new KeyedQueue();
  readonly #options: PostgresOptions;
  readonly #logger: StoreLogger;
  /** SQL of hot statements by which the server keeps them: it parses and plans each once per connection. */
  readonly #names = new Map<string, string>();

  constructor(options: PostgresOptions, logger: StoreLogger) {
    this.#options = options;
    this.#logger = logger;
    this.#pool = openPool(options, logger, {
      max: options.poolSize ?? 10,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      idleTimeoutMillis: 30_000,
    });
    this.#lockPool = openPool(options, logger, {
      max: LOCK_CONNECTIONS,
      connectionTimeoutMillis: LOCK_CONNECT_TIMEOUT_MS,
      idleTimeoutMillis: 10_000,
    });
    this.read = new Kysely<Schema>({ dialect: postgresDialect(this.#pool, this.#names) });
  }

  write<T>(work: (db: Kysely<Schema>) => Promise<T>): Promise<T> {
    return again(() => work(this.read));
  }

  transaction<T>(work: (trx: Kysely<Schema>) => Promise<T>): Promise<T> {
    return again(() => this.read.transaction().execute(work));
  }

  early<T>(work: (trx: Kysely<Schema>) => Promise<T>): Promise<T> {
    return this.transaction(work);
  }

  /** The server answers a commit when it is on its disk. */
  async durable(): Promise<void> {}

  trailing<T>(work: (trx: Kysely<Schema>) => Promise<T>): Promise<T> {
    return again(() =>
      this.read.transaction().execute(async (trx) => {
        await sql`set local synchronous_commit = off`.execute(trx);
        return work(trx);
      }),
    );
  }

  prepare<Row>(name: string, query: Compilable<Row>): PreparedQuery<Row> {
    const { sql: text, parameters } = query.compile();
    return async (values) => {
      try {
        const result = await this.#pool.query({ name, text, values: fillSlots(parameters, values) });
        return result.rows as Row[];
      } catch (error) {
        throw mapStoreError(error);
      }
    };
  }

  statement<Row>(name: string, query: Compilable<Row>): Statement<Row> {
    const { sql: text, run } = compileStatement(query);
    this.#names.set(text, name);
    return run;
  }

  withLock<T>(name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    // First in the process, so that many waiters for one name take one connection.
    return this.#locks.run(name, signal, () => withAdvisoryLock(this.#lockPool, name, signal, work));
  }

  openNotices(listener: NoticeListener): NoticeBoard {
    const connection = (): pg.Client =>
      new pg.Client({
        connectionString: this.#options.url,
        application_name: 'pilothouse-notices',
        keepAlive: true,
        connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
        query_timeout: NOTICE_TIMEOUT_MS,
      });
    return new PostgresNotices({ connection, listener, logger: this.#logger });
  }

  async close(): Promise<void> {
    await Promise.all([this.#pool.end(), this.#lockPool.end()]);
  }
}

/** Nothing was written when it collided, so it may run again; a bounded number of times, at moments nobody else picks. */
async function again<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof SerializationError)) throw error;
      if (attempt === ATTEMPTS) throw storeUnavailable(error);
      await delay(Math.random() * 20 * attempt);
    }
  }
}

function openPool(options: PostgresOptions, logger: StoreLogger, bounds: pg.PoolConfig): pg.Pool {
  const { url, statementTimeoutMs = 10_000, lockTimeoutMs = 2_000 } = options;
  const pool = new pg.Pool({
    connectionString: url,
    application_name: 'pilothouse',
    keepAlive: true,
    statement_timeout: statementTimeoutMs,
    lock_timeout: lockTimeoutMs,
    // The server's own timeout does not reach us when the network is gone.
    query_timeout: statementTimeoutMs + 1_000,
    // An instance that stands still in the middle of a transaction must not hold its locks until it wakes.
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    // A commit is on the disk when it returns, whatever the role's default.
    options: '-c synchronous_commit=on',
    types: { getTypeParser },
    ...bounds,
  });
  pool.on('error', (error) => logger.warn({ err: error }, 'an idle database connection was lost'));
  // While a client is checked out nobody else listens; unheard, its error would end the process. Its query rejects too.
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

const INT8 = 20;

/** bigint as number: times and counters fit; what does not is an error, not a rounded value. */
const getTypeParser: typeof pg.types.getTypeParser = ((oid: number, format?: 'text' | 'binary') =>
  oid === INT8 && format !== 'binary'
    ? safeInteger
    : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser;

function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`bigint out of range: ${text}`);
  return value;
}
