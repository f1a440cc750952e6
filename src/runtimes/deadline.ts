/** The other side did not answer in time. */
export class DeadlineError extends Error {
  constructor(what: string, ms: number) {
    super(`${what} took longer than ${ms} ms`);
    this.name = 'DeadlineError';
  }
}

/**
 * Waits for `work`, but no longer than `ms`, and not once one of `signals` is aborted. `work` itself is not stopped: what it
 * brings later is dropped, its failure too.
 * @throws DeadlineError, or the reason of the signal
 */
export async function within<T>(
  work: Promise<T>,
  limit: { what: string; ms: number; signals?: readonly (AbortSignal | undefined)[] },
): Promise<T> {
  const signals = (limit.signals ?? []).filter((signal) => signal !== undefined);
  const cut = Promise.withResolvers<never>();
  const stop = (event: Event): void => cut.reject((event.target as AbortSignal).reason);
  const timer = setTimeout(() => cut.reject(new DeadlineError(limit.what, limit.ms)), limit.ms);
  try {
    for (const signal of signals) {
      if (signal.aborted) {
        work.catch(() => undefined); // nobody waits for it any more
        throw signal.reason;
      }
      signal.addEventListener('abort', stop, { once: true });
    }
    return await Promise.race([work, cut.promise]);
  } finally {
    clearTimeout(timer);
    for (const signal of signals) signal.removeEventListener('abort', stop);
  }
}
