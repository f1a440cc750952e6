/**
 * Copies the log of a WAL database into the database, in a thread of its own. SQLite would do it inside whatever commit comes
 * across a limit, and let the process wait twice for the disk: 5 ms on a good one, every 25 turns.
 */
import { Worker } from 'node:worker_threads';

/** Transactions between two checkpoints: some 3 MB of log. */
const COMMITS = 24;
/** What closing waits for a checkpoint under way, in milliseconds. It may be cut at any time: the log has everything. */
const CLOSE_MS = 1_000;

/** Pages of the log at which SQLite helps itself after all, because the thread cannot keep up or is gone. */
export const LOG_PAGES = 4_000;

export class WalCheckpoints {
  readonly #path: string;
  #worker: Worker | null = null;
  #commits = 0;
  #busy = false;
  #failed = false;

  /** @param database path of the database file */
  constructor(database: string) {
    this.#path = database;
  }

  /** A transaction was committed. */
  committed(): void {
    this.#commits += 1;
    if (this.#commits < COMMITS || this.#busy || this.#failed) return;
    this.#commits = 0;
    this.#busy = true;
    try {
      this.#worker ??= this.#start();
      this.#worker.postMessage('checkpoint');
    } catch {
      this.#failed = true; // no thread to be had: see below
    }
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    this.#failed = true;
    if (worker === null) return;
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, CLOSE_MS);
    worker.once('exit', () => late.resolve());
    worker.postMessage(null);
    await late.promise;
    clearTimeout(timer);
    await worker.terminate();
  }

  #start(): Worker {
    const worker = new Worker(new URL('./wal-checkpointer.ts', import.meta.url), { workerData: this.#path });
    worker.unref();
    worker.on('message', () => {
      this.#busy = false;
    });
    // It is only a help: SQLite checkpoints by itself at LOG_PAGES.
    worker.on('error', () => {
      this.#failed = true;
      this.#worker = null;
    });
    return worker;
  }
}
