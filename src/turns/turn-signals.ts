/**
 * News of turns for whoever waits without a live log: a follower of a queued turn, or of one that another instance runs.
 * Only a hint to look into the store now; whoever waits looks by himself after a while as well, so a lost one costs time,
 * never an event.
 */
export interface TurnSignals {
  /** Something about the turn changed in the store: it started, has frames, was asked to stop, ended. */
  tell(turnId: string): void;
  /** Resolves with the next news of the turn, after `ms`, or when `signal` aborts. Never rejects. */
  news(turnId: string, ms: number, signal: AbortSignal): Promise<void>;
}

/** Within one process. Between processes the time limit of {@link TurnSignals.news} is what finds the news. */
export class LocalTurnSignals implements TurnSignals {
  readonly #waiting = new Map<string, Set<() => void>>();

  tell(turnId: string): void {
    for (const wake of [...(this.#waiting.get(turnId) ?? [])]) wake();
  }

  news(turnId: string, ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(turnId) ?? new Set();
      this.#waiting.set(turnId, waiting);
      const wake = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', wake);
        waiting.delete(wake);
        if (waiting.size === 0 && this.#waiting.get(turnId) === waiting) this.#waiting.delete(turnId);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      waiting.add(wake);
      if (signal.aborted) wake();
      else signal.addEventListener('abort', wake, { once: true });
    });
  }
}
