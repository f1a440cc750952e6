import type { RuntimeHost } from './runtime-host.ts';

/** A place for one runtime, and what became of the tries to fill it. */
export interface RuntimePlace {
  readonly slot: string;
  host: RuntimeHost | null;
  starting: Promise<RuntimeHost> | null;
  /** Failed starts in a row. */
  failures: number;
  /** Nobody tries to revive it before then; a user who comes still does. */
  retryAt: number;
  healthySince: number | null;
  lastError: unknown;
}

/** An empty place. */
export function newPlace(slot: string): RuntimePlace {
  return { slot, host: null, starting: null, failures: 0, retryAt: 0, healthySince: null, lastError: null };
}

/** Users can be sent there: it lives, or was never seen to fail. */
export function isWell(place: RuntimePlace): boolean {
  return place.host ? place.host.healthy && !place.host.gone.aborted : place.failures === 0 && !place.lastError;
}
