/** When a background turn that failed is tried once more. Pure. */
import type { ErrorCode } from '../errors.ts';

/** What is known about a turn that failed. */
export interface FailedTry {
  /** Nobody waits on the connection; whoever does decides for himself. */
  readonly background: boolean;
  /** The model has said nothing and done nothing: the person sees no trace of the try. */
  readonly silent: boolean;
  readonly code: ErrorCode;
  /** Seconds that whoever refused asks to wait. */
  readonly retryAfter: number | undefined;
  /** How often it was tried. */
  readonly tries: number;
}

/** Failures that may be over in a moment. */
const PASSING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'runtime_unavailable',
  'runtimes_busy',
  'upstream_failed',
  'upstream_rate_limited',
  'github_unavailable',
  'store_unavailable',
]);

const MOST_TRIES = 4;
const FIRST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 60_000;

/**
 * Milliseconds until the next try; null: the failure stands.
 * @param random in [0, 1): those that failed together do not come back together
 */
export function retryDelay(failed: FailedTry, random: number): number | null {
  const { background, silent, code, retryAfter, tries } = failed;
  if (!background || !silent || !PASSING.has(code) || tries >= MOST_TRIES) return null;
  const asked = (retryAfter ?? 0) * 1_000;
  if (asked > LONGEST_DELAY_MS) return null;
  return Math.max(asked, FIRST_DELAY_MS * 4 ** (tries - 1)) * (1 + random / 4);
}
