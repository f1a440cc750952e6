/** Patience with a store that is away for a while: nothing that was said is dropped because a disk was full for a minute. */
import { setTimeout as delay } from 'node:timers/promises';
import { GatewayError } from '../errors.ts';

/** Between two tries, in milliseconds. */
const RETRY_MS = 500;

/**
 * Does `work`, again and again while the store is unavailable.
 * @param until aborts when nobody can wait any longer: then the last failure is thrown
 * @throws what `work` throws for any other reason
 */
export async function untilStored<T>(
  work: () => Promise<T>,
  options: { until: AbortSignal; onWait: (error: GatewayError) => void },
): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof GatewayError) || error.code !== 'store_unavailable' || options.until.aborted) throw error;
      options.onWait(error);
      await delay(RETRY_MS, undefined, { signal: options.until }).catch(() => undefined);
    }
  }
}
