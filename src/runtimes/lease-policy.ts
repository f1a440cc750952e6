/**
 * Which runtime gives way, which is idle, which has served long enough: pure functions of what is seen, `now` included.
 */

/** A runtime or a warm session, as the policy sees it. Times are milliseconds since the epoch. */
export interface Occupant {
  /** Uses under way: a busy one never gives way. */
  readonly uses: number;
  readonly lastUsedAt: number;
}

/** The idle one that was used the longest ago; null: all are busy. */
export function chooseEviction<T extends Occupant>(occupants: Iterable<T>): T | null {
  let chosen: T | null = null;
  for (const occupant of occupants) {
    if (occupant.uses === 0 && (chosen === null || occupant.lastUsedAt < chosen.lastUsedAt)) chosen = occupant;
  }
  return chosen;
}

/** Those that nobody has used for `idleMs`. */
export function chooseIdle<T extends Occupant>(occupants: Iterable<T>, idleMs: number, now: number): T[] {
  return [...occupants].filter((occupant) => occupant.uses === 0 && now - occupant.lastUsedAt >= idleMs);
}

/** A runtime's wear. */
export interface Wear {
  readonly startedAt: number;
  readonly sessionsOpened: number;
  /** Null: not known. */
  readonly residentBytes: number | null;
}

/** What a runtime may reach before it is replaced. */
export interface WearLimits {
  readonly ageMs: number;
  readonly sessionsOpened: number;
  readonly residentBytes: number;
}

/**
 * A runtime gives no memory back (2.3 MB a live session, 0.2 MB lost for each that is opened and closed) and stays slow
 * after a peak (native 1.0.85), so it is replaced after some work. One user's own needs less room than a shared one.
 */
export function wearLimits(shared: boolean): WearLimits {
  const MiB = 1024 * 1024;
  return shared
    ? { ageMs: 24 * 3_600_000, sessionsOpened: 4_000, residentBytes: 1_536 * MiB }
    : { ageMs: 24 * 3_600_000, sessionsOpened: 1_000, residentBytes: 512 * MiB };
}

/** Why a runtime is to be replaced; null: it may go on. */
export function reasonToRecycle(wear: Wear, limits: WearLimits, now: number): 'age' | 'sessions' | 'memory' | null {
  if (now - wear.startedAt >= limits.ageMs) return 'age';
  if (wear.sessionsOpened >= limits.sessionsOpened) return 'sessions';
  if (wear.residentBytes !== null && wear.residentBytes >= limits.residentBytes) return 'memory';
  return null;
}

/** Milliseconds before the next try to start what failed to: doubling, with a cap. */
export function restartDelay(failures: number): number {
  return failures === 0 ? 0 : Math.min(30_000, 250 * 2 ** (failures - 1));
}
