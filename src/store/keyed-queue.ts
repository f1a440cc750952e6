/** One at a time per name, in the order they came. */

/** A queue per name that takes no memory while nobody is in it. */
export class KeyedQueue {
  readonly #tails = new Map<string, Promise<void>>();

  /**
   * Runs `work` when everyone before it under `name` has finished.
   * @throws the reason of `signal` when it aborts while waiting; `work` itself is not interrupted.
   */
  async run<T>(name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const before = this.#tails.get(name) ?? Promise.resolve();
    const { promise: mine, resolve: finish } = Promise.withResolvers<void>();
    // Who gives up waiting keeps its place until those before it have finished, so that nobody behind it overtakes them.
    const tail = before.then(() => mine);
    this.#tails.set(name, tail);
    void tail.then(() => this.#tails.get(name) === tail && this.#tails.delete(name));
    try {
      await waitOrAbort(before, signal);
      return await work();
    } finally {
      finish();
    }
  }
}

async function waitOrAbort(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
