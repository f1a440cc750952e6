/**
 * All writes of a SQLite database, in turn. Writes that wait at the same time share one transaction, each in a savepoint of
 * its own: one that throws takes nothing of the others with it. Nobody is told of success before the common commit is on the
 * disk; the next transaction does not wait for that.
 *
 * The lock of another process is waited for without blocking the event loop, which SQLite's own busy timeout would.
 */
import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import type { Schema } from '../schema.ts';
import { isSqliteBusy, mapStoreError, storeUnavailable } from '../store-errors.ts';
import type { WalSync } from './wal-sync.ts';

interface Job {
  /** Whoever waits for it waits for the disk. */
  durable: boolean;
  work(db: Kysely<Schema>): Promise<unknown>;
  resolve(value: unknown): void;
  reject(reason: unknown): void;
}

/** What became of a job in its transaction; told when that is committed, and where it wrote, on the disk. */
interface Done {
  readonly job: Job;
  readonly tell: () => void;
}

/** Bounds how long one batch keeps the event loop: less than 1 ms a write. */
const BATCH = 8;
/** ms between attempts at a lock that another process holds. */
const BUSY_PAUSE_MS = 10;

/** How a queue writes. */
export interface WriteQueueOptions {
  readonly lockTimeoutMs: number;
  /** Null: in memory, where nothing is durable. */
  readonly wal: Pick<WalSync, 'flush'> | null;
  /** Told of every transaction. */
  readonly onCommit?: () => void;
}

/** The one writer of a database. */
export class SqliteWriteQueue {
  readonly #connection: DatabaseSync;
  readonly #db: Kysely<Schema>;
  readonly #lockTimeoutMs: number;
  readonly #wal: Pick<WalSync, 'flush'> | null;
  #waiting: Job[] = [];
  #draining: Promise<void> | null = null;
  readonly #onCommit: () => void;
  readonly #syncing = new Set<Promise<void>>();
  /** Transactions committed, and how many of them the disk has for certain. */
  #commits = 0;
  #synced = 0;
  readonly #failure = new AbortController();

  /**
   * @param connection commits without waiting for the disk (`synchronous = normal`)
   */
  constructor(connection: DatabaseSync, db: Kysely<Schema>, { lockTimeoutMs, wal, onCommit }: WriteQueueOptions) {
    this.#onCommit = onCommit ?? (() => undefined);
    this.#connection = connection;
    this.#db = db;
    this.#lockTimeoutMs = lockTimeoutMs;
    this.#wal = wal;
  }

  /** See `Store.failed`. */
  get failed(): AbortSignal {
    return this.#failure.signal;
  }

  /** Resolves with `work`'s value when it is durable, or with `durable: false` as soon as it is committed. `work` must wait on nothing but its queries. */
  run<T>(work: (db: Kysely<Schema>) => Promise<T>, { durable = true } = {}): Promise<T> {
    if (this.failed.aborted) return Promise.reject(this.failed.reason);
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ durable, work, resolve: resolve as (value: unknown) => void, reject });
      this.#draining ??= this.#drain();
    });
  }

  /** See `Database.durable`. */
  async durable(): Promise<void> {
    this.failed.throwIfAborted();
    const commits = this.#commits;
    if (this.#wal === null || this.#synced >= commits) return;
    try {
      await this.#wal.flush();
    } catch (error) {
      this.#failure.abort(storeUnavailable(error));
    }
    // Also where an earlier wait failed meanwhile: the system tells of a lost page once, and a later success means nothing.
    this.failed.throwIfAborted();
    this.#synced = Math.max(this.#synced, commits);
  }

  /** Resolves when nothing waits. */
  async drained(): Promise<void> {
    while (this.#draining !== null) await this.#draining;
    await Promise.all(this.#syncing);
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.#db.connection().execute((db) => this.#batch(db));
      // Lets everything the event loop has ready join the next, and lets it breathe between them.
      if (this.#waiting.length > 0) await nextTurn();
    }
    this.#draining = null;
  }

  async #batch(db: Kysely<Schema>): Promise<void> {
    const jobs: Job[] = [];
    try {
      await this.#begin();
      const done: Done[] = [];
      while (jobs.length < BATCH) {
        const job = this.#waiting.shift();
        if (!job) break;
        jobs.push(job);
        done.push({ job, tell: await this.#attempt(db, job) });
      }
      this.#connection.exec('commit');
      this.#commits += 1;
      this.#onCommit();
      this.#tell(done);
    } catch (error) {
      if (this.#connection.isOpen && this.#connection.isTransaction) this.#connection.exec('rollback');
      // Without a transaction nobody in line can be served either: they hear it now instead of one timeout later each.
      for (const job of jobs.length > 0 ? jobs : this.#waiting.splice(0)) job.reject(mapStoreError(error));
    }
  }

  #tell(done: readonly Done[]): void {
    for (const { job, tell } of done) if (!job.durable) tell();
    const durable = done.filter(({ job }) => job.durable);
    if (durable.length === 0) return;
    const telling = this.durable().then(
      () => {
        for (const { tell } of durable) tell();
      },
      (error: unknown) => {
        for (const { job } of durable) job.reject(error);
      },
    );
    this.#syncing.add(telling);
    void telling.finally(() => this.#syncing.delete(telling));
  }

  async #attempt(db: Kysely<Schema>, job: Job): Promise<() => void> {
    this.#connection.exec('savepoint job');
    try {
      const value = await job.work(db);
      this.#connection.exec('release job');
      return () => job.resolve(value);
    } catch (error) {
      // A full disk or an I/O error makes SQLite roll back everything by itself: then the whole batch has failed.
      if (!this.#connection.isTransaction) throw storeUnavailable(error);
      this.#connection.exec('rollback to job');
      this.#connection.exec('release job');
      // Already in our words where it is the engine's; anything else is the repository's own.
      return () => job.reject(error);
    }
  }

  async #begin(): Promise<void> {
    const deadline = performance.now() + this.#lockTimeoutMs;
    for (;;) {
      try {
        this.#connection.exec('begin immediate');
        return;
      } catch (error) {
        if (!isSqliteBusy(error) || performance.now() >= deadline) throw error;
      }
      await delay(BUSY_PAUSE_MS);
    }
  }
}
