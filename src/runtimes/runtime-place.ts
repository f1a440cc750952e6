import { restartDelay } from './lease-policy.ts';
import type { Place } from './routing-policy.ts';
import type { RuntimeHost } from './runtime-host.ts';
import type { RuntimeStatus } from './runtime-port.ts';

/** A place for one runtime, and what became of the tries to fill it. */
export interface RuntimePlace {
  readonly slot: string;
  host: RuntimeHost | null;
  starting: Promise<RuntimeHost> | null;
  /** Uses that wait for its start: what has just started for somebody does not give way before they have it. */
  claims: number;
  /** Failed starts in a row. */
  failures: number;
  /** Nobody tries to revive it before then; a user who comes still does. */
  retryAt: number;
  healthySince: number | null;
  lastError: unknown;
  /** By an operator: nobody is sent there until it is resumed. */
  drained: boolean;
}

/** An empty place. */
export function newPlace(slot: string): RuntimePlace {
  const never = { failures: 0, retryAt: 0, healthySince: null, lastError: null };
  return { slot, host: null, starting: null, claims: 0, ...never, drained: false };
}

/** Users can be sent there: it lives, or was never seen to fail. */
export function isWell(place: RuntimePlace): boolean {
  return place.host ? place.host.healthy && !place.host.gone.aborted : place.failures === 0 && !place.lastError;
}

/** The place as the routing sees it. */
export function routed(place: RuntimePlace): Place {
  return { slot: place.slot, healthy: isWell(place), healthySince: place.healthySince };
}

/** A start failed. */
export function noteFailure(place: RuntimePlace, error: unknown, now: number): void {
  place.failures += 1;
  place.lastError = error;
  place.retryAt = now + restartDelay(place.failures);
  place.healthySince = null;
}

/** A start succeeded. What recovered is returned to calmly; what never failed serves at once. */
export function noteHost(place: RuntimePlace, host: RuntimeHost, now: number): void {
  place.healthySince = place.failures > 0 || place.lastError ? now : null;
  place.failures = 0;
  place.host = host;
}

/**
 * How a place without a runtime is.
 * @param filledAhead nobody has to come for it to be filled: one that is empty was not reached
 */
export function emptyStatus(place: RuntimePlace, filledAhead: boolean): RuntimeStatus {
  const well = isWell(place);
  return {
    name: place.slot,
    healthy: well && !filledAhead && !place.drained,
    version: null,
    sessions: 0,
    busy: 0,
    detail: place.drained ? 'drained' : !well ? 'unreachable' : filledAhead ? 'not reached yet' : 'not started',
  };
}
