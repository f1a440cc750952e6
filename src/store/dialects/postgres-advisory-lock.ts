/** A named lock across instances: PostgreSQL's advisory lock, held by a connection of its own. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import { mapStoreError } from '../store-errors.ts';

/** ms between attempts: they can be given up at any time, which waiting on the server could not. */
const PAUSE_MS = 40;

/**
 * Runs `work` while holding the lock `name`. The lock ends with the connection, so an instance that dies holds nothing; an
 * instance whose connection dies holds nothing either while it goes on, so what `work` writes must be guarded besides.
 * @throws the reason of `signal` when it aborts while waiting.
 */
export async function withAdvisoryLock<T>(
  pool: Pool,
  name: string,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const client = await connect(pool);
  try {
    while (!(await ask(client, 'select pg_try_advisory_lock(hashtextextended($1, 0)) as done', name))) {
      await delay(PAUSE_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
    signal.throwIfAborted();
    return await work();
  } finally {
    // Unlocking what was never locked only answers false. A connection that cannot unlock is closed, which unlocks.
    const sound = await ask(
      client,
      'select pg_advisory_unlock(hashtextextended($1, 0)) is not null as done',
      name,
    ).catch(() => false);
    client.release(!sound);
  }
}

async function connect(pool: Pool): Promise<PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    throw mapStoreError(error);
  }
}

async function ask(client: PoolClient, sql: string, name: string): Promise<boolean> {
  try {
    const { rows } = await client.query<{ done: boolean }>(sql, [name]);
    return rows[0]?.done === true;
  } catch (error) {
    throw mapStoreError(error);
  }
}
