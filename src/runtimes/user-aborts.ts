/** What is under way for each user, so that ending a user reaches all of it. */
export class UserAborts {
  readonly #underWay = new Map<string, Set<AbortController>>();

  /**
   * Runs `work` under a signal that is aborted by `signal` or by `abort`.
   * @throws what `work` throws
   */
  async guard<T>(userId: string, signal: AbortSignal, work: (either: AbortSignal) => Promise<T>): Promise<T> {
    const own = new AbortController();
    const theirs = this.#underWay.get(userId) ?? new Set();
    this.#underWay.set(userId, theirs.add(own));
    try {
      return await work(AbortSignal.any([signal, own.signal]));
    } finally {
      theirs.delete(own);
      if (theirs.size === 0 && this.#underWay.get(userId) === theirs) this.#underWay.delete(userId);
    }
  }

  /** Aborts what is under way for that user. */
  abort(userId: string, reason: unknown): void {
    for (const one of this.#underWay.get(userId) ?? []) one.abort(reason);
  }

  /** Aborts everything. */
  abortAll(reason: unknown): void {
    for (const userId of this.#underWay.keys()) this.abort(userId, reason);
  }
}
