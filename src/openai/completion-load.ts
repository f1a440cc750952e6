/** How many completions run, whose, and how they end when the gateway does. */
import { GatewayError } from '../errors.ts';
import type { Allowance } from '../turns/allowance.ts';

/** What admission leans on. */
export interface CompletionLoadDeps {
  readonly allowance: Pick<Allowance, 'enter'>;
}

/** A completion's place among those that run. Its taker calls `leave` once. */
export interface CompletionPlace {
  /** Ends the completion. */
  readonly abort: AbortController;
  /** Takes what goes on after the completion, so that the gateway does not close before it is done. */
  readonly later: (work: Promise<void>) => void;
  readonly leave: () => void;
}

/** The completions of this process. */
export class CompletionLoad {
  readonly #allowance: CompletionLoadDeps['allowance'];
  readonly #running = new Set<AbortController>();
  readonly #work = new Set<Promise<void>>();
  #emptied: (() => void) | null = null;
  /** One for all who drain. */
  #drained: Promise<void> | null = null;

  constructor({ allowance }: CompletionLoadDeps) {
    this.#allowance = allowance;
  }

  /** @throws GatewayError `too_many_turns`, `quota_exceeded`, `shutting_down` */
  async enter(userId: string): Promise<CompletionPlace> {
    if (this.#drained !== null) {
      throw new GatewayError('shutting_down', 'This instance is shutting down. Send the request again.', {
        retryAfter: 1,
      });
    }
    const abort = new AbortController();
    this.#running.add(abort);
    try {
      const free = await this.#allowance.enter(userId);
      const leave = (): void => {
        free();
        this.#leave(abort);
      };
      return { abort, leave, later: (work) => this.#after(work) };
    } catch (error) {
      this.#leave(abort);
      throw error;
    }
  }

  /** Lets what runs end for up to `graceMs`, then ends it; returns when all of it is over. */
  drain(graceMs: number): Promise<void> {
    this.#drained ??= this.#drain(graceMs);
    return this.#drained;
  }

  async #drain(graceMs: number): Promise<void> {
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

  #leave(abort: AbortController): void {
    if (this.#running.delete(abort) && this.#running.size === 0) this.#emptied?.();
  }

  /** `work` never rejects. */
  #after(work: Promise<void>): void {
    this.#work.add(work);
    void work.then(() => this.#work.delete(work));
  }
}
