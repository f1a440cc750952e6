/**
 * Which of several runtimes serves a user: rendezvous hashing, so that each keeps their own as long as it is well, and only
 * the users of a dead one move. Pure.
 */
import { createHash } from 'node:crypto';

/** A place users can be sent to. */
export interface Place {
  readonly slot: string;
  readonly healthy: boolean;
  /** Milliseconds since the epoch; null: well all the time. */
  readonly healthySince: number | null;
}

/** How long a runtime must be well again before its users come back to it. */
export const SETTLE_MS = 15_000;

/** All places, the user's first choice first. The order is the same on every instance. */
export function preferenceOrder(userId: string, slots: readonly string[]): string[] {
  return slots
    .map((slot) => ({ slot, weight: weigh(userId, slot) }))
    .sort((left, right) => (left.weight < right.weight ? 1 : left.weight > right.weight ? -1 : 0))
    .map((entry) => entry.slot);
}

/**
 * The place for a user now. A dead one is left at once; a recovered one is returned to only once it has been well for
 * {@link SETTLE_MS}, unless nothing else is. With nothing well, the first choice: trying it is how its recovery shows.
 */
export function choosePlace(userId: string, places: readonly Place[], now: number): string {
  const byslot = new Map(places.map((place) => [place.slot, place]));
  const order = preferenceOrder(userId, [...byslot.keys()]).map((slot) => byslot.get(slot)!);
  const settled = order.find(
    (place) => place.healthy && (place.healthySince === null || now - place.healthySince >= SETTLE_MS),
  );
  const chosen = settled ?? order.find((place) => place.healthy) ?? order[0];
  if (!chosen) throw new Error('There is no place to choose from');
  return chosen.slot;
}

function weigh(userId: string, slot: string): bigint {
  return createHash('sha256').update(`${userId}\0${slot}`).digest().readBigUInt64BE(0);
}
