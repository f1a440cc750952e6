/** The port by which instances count requests together. */

/** Requests of one caller in one window, not yet counted by the others. */
export interface RateCount {
  /** Who is counted. */
  readonly key: string;
  /** Start of the window, ms since the epoch. */
  readonly windowAt: number;
  readonly count: number;
}

export interface RateCountRepository {
  /** Adds what was counted here. @returns the sums over all instances, in no order */
  add(counts: readonly RateCount[]): Promise<RateCount[]>;
  /** Forgets windows that began before `before`. */
  deleteOld(before: number): Promise<void>;
}
