/**
 * When waiting for the runtime's own retries is no longer worth it. Pure.
 *
 * The runtime (native 1.0.85) retries a 429 five times: 11 s with `retry-after: 2`, 55 s without the header. A person is
 * better told to wait than left to; other failures pass within seconds and are left to it.
 */

/** Rate-limited attempts of one turn. */
export interface RateLimited {
  readonly attempts: number;
  /** Milliseconds since the first of them. */
  readonly elapsedMs: number;
}

const MOST_ATTEMPTS = 3;
const LONGEST_MS = 8_000;

/** Whether to stop the turn and say `upstream_rate_limited` now. */
export function givesUp(seen: RateLimited): boolean {
  return seen.attempts >= MOST_ATTEMPTS || (seen.attempts > 1 && seen.elapsedMs >= LONGEST_MS);
}
