/** Tells those who wait for room that a runtime was given back or has left: they look again. */
export class Turnover {
  #next = Promise.withResolvers<void>();

  /** Something changed. */
  happened(): void {
    const { resolve } = this.#next;
    this.#next = Promise.withResolvers<void>();
    resolve();
  }

  /** Resolves at the next change. */
  next(): Promise<void> {
    return this.#next.promise;
  }
}
