/** One holder per key, first come first served. */
export class KeyedLock {
  readonly #tails = new Map<string, Promise<void>>();

  /**
   * Waits for the key.
   * @returns the way to give it back, to be called once
   * @throws the reason of `signal` when that is aborted first
   */
  async take(key: string, signal: AbortSignal): Promise<() => void> {
    const before = this.#tails.get(key);
    const mine = Promise.withResolvers<void>();
    const tail = (before ?? Promise.resolve()).then(() => mine.promise);
    this.#tails.set(key, tail);
    void tail.then(() => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    });
    const giveBack = (): void => mine.resolve();
    if (!before) return giveBack;
    const aborted = Promise.withResolvers<never>();
    const stop = (): void => aborted.reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    try {
      if (signal.aborted) throw signal.reason;
      await Promise.race([before, aborted.promise]);
      return giveBack;
    } catch (error) {
      mine.resolve(); // those behind us wait for the one before us only
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }
}
