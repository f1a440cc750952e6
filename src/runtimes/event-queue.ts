/**
 * A queue with one reader. Writers never wait: a turn's events are small, and its reader is the turn engine, which only
 * notes them.
 */
export class EventQueue<T> implements AsyncIterable<T> {
  readonly #items: T[] = [];
  #waiting: PromiseWithResolvers<void> | null = null;
  #closed = false;
  #error: unknown = undefined;
  #failed = false;

  get closed(): boolean {
    return this.#closed;
  }

  push(item: T): void {
    if (this.#closed) return;
    this.#items.push(item);
    this.#wake();
  }

  /** The reader ends after what is queued. Later calls change nothing. */
  end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#wake();
  }

  /** The reader gets `error` after what is queued. Later calls change nothing. */
  fail(error: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#failed = true;
    this.#error = error;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (let at = 0; ; ) {
      while (at < this.#items.length) yield this.#items[at++]!;
      this.#items.length = 0;
      at = 0;
      if (this.#closed) break;
      this.#waiting = Promise.withResolvers();
      await this.#waiting.promise;
    }
    if (this.#failed) throw this.#error;
  }

  #wake(): void {
    this.#waiting?.resolve();
    this.#waiting = null;
  }
}
