/** How many completions run, whose, and how they end when the gateway does. */
import { GatewayError } from '../errors.ts';
import type { Store } from '../store/store.ts';

/** What admission leans on. */
export interface CompletionLoadDeps {
  readonly store: Pick<Store, 'turns'>;
  /** Completions and turns of one person at once. */
  readonly turnsPerUser: number;
}

/** A completion's place among those that run. Its taker calls `leave` once. */
export interface CompletionPlace {
  /** Ends the completion. */
  readonly abort: AbortController;
  /** Takes what goes on after the completion, so that the gateway does not close before it is done. */
  readonly later: (work: Promise<void>) => void;
  readonly leave: () => void;
}

/** Seconds a caller is told to wait when too much is going on. */
const BUSY_RETRY_SECONDS = 2;

/** The completions of this process. */
export class CompletionLoad {
  readonly #deps: CompletionLoadDeps;
  readonly #running = new Set<AbortController>();
  readonly #ofUser = new Map<string, number>();
  readonly #work = new Set<Promise<void>>();
  #emptied: (() => void) | null = null;
  #draining = false;

  constructor(deps: CompletionLoadDeps) {
    this.#deps = deps;
  }

  /** @throws GatewayError `too_many_turns`, counting the person's turns too; `shutting_down` */
  async enter(userId: string): Promise<CompletionPlace> {
    if (this.#draining) {
      throw new GatewayError('shutting_down', 'This instance is shutting down. Send the request again.', {
        retryAfter: 1,
      });
    }
    const mine = (this.#ofUser.get(userId) ?? 0) + 1;
    const abort = new AbortController();
    this.#running.add(abort);
    this.#ofUser.set(userId, mine);
    const leave = (): void => this.#leave(userId, abort);
    try {
      const turns = mine > this.#deps.turnsPerUser ? [] : await this.#deps.store.turns.activeOfUser(userId);
      if (mine + turns.length > this.#deps.turnsPerUser) {
        throw new GatewayError('too_many_turns', 'You have as many turns going as you may. Wait for one to end.', {
          retryAfter: BUSY_RETRY_SECONDS,
        });
      }
    } catch (error) {
      leave();
      throw error;
    }
    return { abort, leave, later: (work) => this.#after(work) };
  }

  /** Lets what runs end for up to `graceMs`, then ends it; returns when all of it is over. */
  async drain(graceMs: number): Promise<void> {
    this.#draining = true;
    const timer = setTimeout(() => {
      const error = new GatewayError('interrupted', 'The gateway was restarted while the model answered. Ask again.');
      for (const abort of this.#running) abort.abort(error);
    }, graceMs);
    if (this.#running.size > 0) {
      await new Promise<void>((resolve) => {
        this.#emptied = resolve;
      });
    }
    clearTimeout(timer);
    await Promise.all(this.#work);
  }

  #leave(userId: string, abort: AbortController): void {
    if (!this.#running.delete(abort)) return;
    const left = (this.#ofUser.get(userId) ?? 1) - 1;
    if (left === 0) this.#ofUser.delete(userId);
    else this.#ofUser.set(userId, left);
    if (this.#running.size === 0) this.#emptied?.();
  }

  /** `work` never rejects. */
  #after(work: Promise<void>): void {
    this.#work.add(work);
    void work.then(() => this.#work.delete(work));
  }
}
