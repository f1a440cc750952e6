/** When to try again. Pure. */

const FIRST_MS = 250;
const LONGEST_MS = 10_000;

/**
 * Milliseconds before try number `attempt` (0: the first after a failure): doubling from a quarter of a second to ten
 * seconds, spread by a quarter either way so that all tabs do not come back at once after a restart.
 * @param random from 0 to 1
 * @param retryAfterMs what the server asked for; never less than that
 */
export function backoffMs(attempt: number, random: number, retryAfterMs: number | null = null): number {
  const base = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
  const spread = Math.round(base * (0.75 + random / 2));
  return retryAfterMs === null ? spread : Math.max(spread, Math.round(retryAfterMs * (1 + random / 4)));
}
