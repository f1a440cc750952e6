/**
 * All writes of a SQLite database, in turn. Writes that wait at the same time share one transaction and so one fsync, each
 * in a savepoint of its own: one that throws takes nothing of the others with it. Nobody is told of success before the
 * common commit.
 *
 * The lock of another process is waited for without blocking the event loop, which SQLite's own busy timeout would.
 */
import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import type { Schema } from '../schema.ts';
import { isSqliteBusy, mapStoreError, storeUnavailable } from '../store-errors.ts';

interface Job {
  /** See `Database.trailing`. */
  trailing: boolean;
  work(db: Kysely<Schema>): Promise<unknown>;
  resolve(value: unknown): void;
  reject(reason: unknown): void;
}

/** Bounds how long one batch keeps the event loop: about 0.3 ms a write. */
const BATCH = 32;
/** ms between attempts at a lock that another process holds. */
const BUSY_PAUSE_MS = 10;

/** The one writer of a database. */
export class SqliteWriteQueue {
  readonly #connection: DatabaseSync;
  readonly #db: Kysely<Schema>;
  readonly #lockTimeoutMs: number;
  /** What `synchronous` of the connection stands at: commits of WAL reach the disk at once, or with the next that does. */
  #synchronous: 'full' | 'normal' = 'full';
  #waiting: Job[] = [];
  #draining: Promise<void> | null = null;

  constructor(connection: DatabaseSync, db: Kysely<Schema>, lockTimeoutMs: number) {
    this.#connection = connection;
    this.#db = db;
    this.#lockTimeoutMs = lockTimeoutMs;
  }

  /** Resolves with `work`'s value after it has committed. `work` must wait on nothing but its queries. */
  run<T>(work: (db: Kysely<Schema>) => Promise<T>, { trailing = false } = {}): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ trailing, work, resolve: resolve as (value: unknown) => void, reject });
      this.#draining ??= this.#drain();
    });
  }

  /** Resolves when nothing waits. */
  async drained(): Promise<void> {
    while (this.#draining !== null) await this.#draining;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      // Lets everything the event loop has ready join, and lets it breathe between batches.
      await nextTurn();
      await this.#db.connection().execute((db) => this.#batch(db));
    }
    this.#draining = null;
  }

  async #batch(db: Kysely<Schema>): Promise<void> {
    const jobs: Job[] = [];
    try {
      const durable = this.#waiting.some((job) => !job.trailing);
      this.#sync(durable ? 'full' : 'normal');
      await this.#begin();
      const settle: (() => void)[] = [];
      while (jobs.length < BATCH) {
        // One that came in between and must be durable waits for a batch that is.
        if (!durable && this.#waiting[0]?.trailing === false) break;
        const job = this.#waiting.shift();
        if (!job) break;
        jobs.push(job);
        settle.push(await this.#attempt(db, job));
      }
      this.#connection.exec('commit');
      for (const tell of settle) tell();
    } catch (error) {
      if (this.#connection.isOpen && this.#connection.isTransaction) this.#connection.exec('rollback');
      // Without a transaction nobody in line can be served either: they hear it now instead of one timeout later each.
      for (const job of jobs.length > 0 ? jobs : this.#waiting.splice(0)) job.reject(mapStoreError(error));
    }
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

  #sync(mode: 'full' | 'normal'): void {
    if (this.#synchronous === mode) return;
    this.#connection.exec(`pragma synchronous = ${mode}`);
    this.#synchronous = mode;
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
