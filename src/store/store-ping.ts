/** Proof that the store can still write: one row, written and committed. */
import type { Database } from './database.ts';
import { storeUnavailable } from './store-errors.ts';

/**
 * Writes and commits.
 * @throws GatewayError `store_unavailable` when the engine cannot, or not before `signal` aborts.
 */
export async function pingStore(database: Database, signal: AbortSignal): Promise<void> {
  if (signal.aborted) throw storeUnavailable(signal.reason);
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(storeUnavailable(signal.reason));
  signal.addEventListener('abort', abort, { once: true });
  const now = Date.now();
  const written = database.write((db) =>
    db
      .insertInto('store_pings')
      .values({ id: 1, pinged_at: now })
      .onConflict((conflict) => conflict.column('id').doUpdateSet({ pinged_at: now }))
      .execute(),
  );
  try {
    await Promise.race([written, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
    // Whoever stopped waiting has their answer; that of the write is no longer anybody's.
    written.catch(() => {});
  }
}
