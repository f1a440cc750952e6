/**
 * SQLite in the process, through `node:sqlite`. Two connections: all writes go through one, in turn (see
 * `sqlite-write-queue.ts`), reads through another, which in WAL mode sees the last commit and never waits. A database in
 * memory has one connection for both.
 *
 * A statement of `node:sqlite` runs synchronously, so a single read cannot be interleaved with anything.
 */
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Compilable, Kysely } from 'kysely';
import { compileStatement, type Database, fillSlots, type PreparedQuery, type Statement } from '../database.ts';
import { KeyedQueue } from '../keyed-queue.ts';
import type { Schema } from '../schema.ts';
import { mapStoreError } from '../store-errors.ts';
import { sqliteDialect } from './sqlite-driver.ts';
import { SqliteStatements } from './sqlite-statements.ts';
import { SqliteWriteQueue } from './sqlite-write-queue.ts';
import { LOG_PAGES, WalCheckpoints } from './wal-checkpoints.ts';
import { WalSync } from './wal-sync.ts';

/** Where the file is and how long a writer waits for another process' lock. */
export interface SqliteOptions {
  path: string;
  /** ms; 2,000 unless told. */
  lockTimeoutMs?: number;
}

const MEMORY = ':memory:';
/** ms SQLite itself waits, which blocks the event loop: enough for opening beside a busy process, not used for writing. */
const OPEN_TIMEOUT_MS = 2_000;
/** How long a write waits for another process: who is refused hears it well within the two seconds we promise. */
const DEFAULT_LOCK_TIMEOUT_MS = 1_500;
/** The map spares a copy of every page read: half as many more pages of history a second from a file of a million messages. */
const READER_PRAGMAS = ['pragma query_only = on', `pragma mmap_size = ${1024 ** 3}`];

/** Opens or creates the database file (0600, its directory 0700). */
export function openSqlite(options: SqliteOptions): Database {
  try {
    return new SqliteDatabase(options);
  } catch (error) {
    throw mapStoreError(error);
  }
}

class SqliteDatabase implements Database {
  readonly engine = 'sqlite';
  readonly read: Kysely<Schema>;
  readonly #writer: Kysely<Schema>;
  readonly #queue: SqliteWriteQueue;
  readonly #wal: WalSync | null;
  readonly #checkpoints: WalCheckpoints | null;
  readonly #locks = new KeyedQueue();
  /** Null in memory: reads share the writer's connection and wait for its transactions. */
  readonly #reader: SqliteStatements | null;
  readonly #writerStatements: SqliteStatements;

  constructor({ path, lockTimeoutMs = DEFAULT_LOCK_TIMEOUT_MS }: SqliteOptions) {
    if (path !== MEMORY) createFile(path);
    const connection = openConnection(path);
    connection.exec('pragma busy_timeout = 0');
    this.#writerStatements = new SqliteStatements(connection);
    this.#writer = new Kysely<Schema>({ dialect: sqliteDialect(this.#writerStatements, { shared: true }) });
    this.#wal = path === MEMORY ? null : new WalSync(path);
    this.#checkpoints = path === MEMORY ? null : new WalCheckpoints(path);
    const onCommit = () => this.#checkpoints?.committed();
    this.#queue = new SqliteWriteQueue(connection, this.#writer, { lockTimeoutMs, wal: this.#wal, onCommit });
    this.#reader = path === MEMORY ? null : new SqliteStatements(openConnection(path, ...READER_PRAGMAS));
    this.read = this.#reader
      ? new Kysely<Schema>({ dialect: sqliteDialect(this.#reader, { shared: false }) })
      : this.#writer;
  }

  write<T>(work: (db: Kysely<Schema>) => Promise<T>): Promise<T> {
    return this.#queue.run(work);
  }

  transaction<T>(work: (trx: Kysely<Schema>) => Promise<T>): Promise<T> {
    return this.#queue.run(work);
  }

  trailing<T>(work: (trx: Kysely<Schema>) => Promise<T>): Promise<T> {
    return this.#queue.run(work, { durable: false });
  }

  early<T>(work: (trx: Kysely<Schema>) => Promise<T>): Promise<T> {
    return this.#queue.run(work, { durable: false });
  }

  get failed(): AbortSignal {
    return this.#queue.failed;
  }

  durable(): Promise<void> {
    return this.#queue.durable();
  }

  prepare<Row>(_name: string, query: Compilable<Row>): PreparedQuery<Row> {
    const reader = this.#reader;
    if (reader === null) {
      const { run } = compileStatement(query);
      return async (values) => (await run(this.read, values)).rows;
    }
    const { sql, parameters } = query.compile();
    const read = reader.prepare(sql);
    // Async so that errors reject; the statement itself has run when the call returns.
    return async (values) => {
      try {
        return read(fillSlots(parameters, values)) as Row[];
      } catch (error) {
        throw mapStoreError(error);
      }
    };
  }

  /** Straight on the one connection that transactions have: Kysely's way there costs as much as the statement. */
  statement<Row>(_name: string, query: Compilable<Row>): Statement<Row> {
    const { sql, parameters } = query.compile();
    return async (_trx, values) => {
      try {
        return { rows: this.#writerStatements.run(sql, fillSlots(parameters, values)).rows as Row[] };
      } catch (error) {
        throw mapStoreError(error);
      }
    };
  }

  withLock<T>(name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return this.#locks.run(name, signal, work);
  }

  /** One process alone has nobody to tell. */
  openNotices(): null {
    return null;
  }

  async close(): Promise<void> {
    await this.#queue.drained();
    await this.#checkpoints?.close();
    this.#wal?.close();
    this.#reader?.close();
    this.#writerStatements.close();
  }
}

function createFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  // SQLite gives its -wal and -shm files the mode of the database, so only this one needs care.
  if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600));
}

function openConnection(path: string, ...pragmas: string[]): DatabaseSync {
  const connection = new DatabaseSync(path, { enableForeignKeyConstraints: true, timeout: OPEN_TIMEOUT_MS });
  // For a new file. A message of 2 KB fits into its row: a third less on the disk than with pages of 4 KiB, and reading
  // any chat of a million messages costs hardly more than reading the same one.
  connection.exec('pragma page_size = 8192');
  connection.exec('pragma journal_mode = wal');
  // The write queue waits for the disk before it tells anyone; `full` would make the event loop wait, too.
  connection.exec('pragma synchronous = normal');
  connection.exec(`pragma wal_autocheckpoint = ${LOG_PAGES}`);
  connection.exec('pragma temp_store = memory');
  connection.exec('pragma cache_size = -32768');
  for (const pragma of pragmas) connection.exec(pragma);
  return connection;
}
