/**
 * SQLite serves one gateway process. Two would each believe that every turn the other runs was left behind by a crash, so a
 * second one does not start. The lock is one of the operating system's, on a file of its own: it ends with the process,
 * however that ends, and neither backups nor readers of the database notice it.
 */
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isSqliteBusy, mapStoreError } from '../store-errors.ts';

/** Beside the database. */
const LOCK_SUFFIX = '-owner';

/**
 * Takes the database file at `path` for this process until the result is disposed of or the process ends.
 * @throws Error when another process has it; GatewayError `store_unavailable` when the directory cannot be written
 */
export function ownSqliteFile(path: string): Disposable {
  const lock = openLock(`${path}${LOCK_SUFFIX}`);
  try {
    lock.exec('begin exclusive');
  } catch (error) {
    lock.close();
    if (!isSqliteBusy(error)) throw mapStoreError(error);
    throw new Error(
      `Another process runs on ${path}. SQLite serves one gateway: stop the other one, ` +
        'or set DATABASE_URL to a PostgreSQL for several (docs/scaling.md).',
      { cause: error },
    );
  }
  return { [Symbol.dispose]: () => lock.close() };
}

function openLock(file: string): DatabaseSync {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600));
  try {
    return new DatabaseSync(file, { timeout: 0 });
  } catch (error) {
    throw mapStoreError(error);
  }
}
