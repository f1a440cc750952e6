/**
 * Brings what a SQLite connection has committed to the disk. SQLite itself would wait for the disk inside the commit, and
 * with it the whole process: milliseconds on a good disk, tenths of seconds on a bad one. Here a thread waits, and commits
 * that follow meanwhile share the next wait.
 *
 * In WAL mode a commit is durable when the log's file is synced (https://sqlite.org/wal.html); SQLite never locks that file,
 * so that a descriptor of our own does no harm to its locks.
 */
import { closeSync, fdatasync, openSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';

export class WalSync {
  readonly #path: string;
  #file: number | null = null;
  #running: Promise<void> | null = null;
  #next: Promise<void> | null = null;

  /** @param database path of the database file */
  constructor(database: string) {
    this.#path = `${database}-wal`;
  }

  /**
   * Resolves when everything that was written before this call is on the disk.
   * @throws the file system's error: what was written since the last success may be lost
   */
  flush(): Promise<void> {
    if (this.#running === null) {
      this.#running = this.#sync().finally(() => {
        this.#running = null;
      });
      return this.#running;
    }
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = null;
        return this.flush();
      });
    return this.#next;
  }

  /** Call it when nothing is written any more. */
  close(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }

  async #sync(): Promise<void> {
    // To wake the thread takes as long as a prompt's way to its runtime, which goes first; and whoever commits until then
    // shares the wait.
    await nextTurn();
    return new Promise((resolve, reject) => {
      // Opened late: SQLite makes the file with the first transaction.
      this.#file ??= openSync(this.#path, 'r');
      fdatasync(this.#file, (error) => (error ? reject(error) : resolve()));
    });
  }
}
