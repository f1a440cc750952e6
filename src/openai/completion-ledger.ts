/** The account of one completion: the tokens it tells its caller, and the rows it leaves in the ledger. */
import type { Logger } from 'pino';
import type { ModelUsage } from '../runtimes/runtime-port.ts';
import type { Store } from '../store/store.ts';
import { newId } from '../wire/ids.ts';
import type { CompletionUsage } from './openai-shapes.ts';

/** Where the rows go. */
export interface CompletionLedgerDeps {
  readonly store: Pick<Store, 'usage'>;
  readonly logger: Logger;
  readonly clock: () => number;
}

/** A completion's model calls. */
export class CompletionLedger {
  readonly #deps: CompletionLedgerDeps;
  readonly #plan: { readonly userId: string; readonly model: string };
  readonly #calls: ModelUsage[] = [];
  #spoken = false;

  constructor(deps: CompletionLedgerDeps, plan: { readonly userId: string; readonly model: string }) {
    this.#deps = deps;
    this.#plan = plan;
  }

  /** The model that answered last. */
  get model(): string {
    return this.#calls.at(-1)?.model ?? this.#plan.model;
  }

  /** Null: nobody told, because the model was stopped before it had ended. */
  get usage(): CompletionUsage | null {
    if (this.#calls.length === 0) return null;
    const prompt = this.#sum((call) => call.inputTokens);
    const answer = this.#sum((call) => call.outputTokens);
    return {
      prompt_tokens: prompt,
      completion_tokens: answer,
      total_tokens: prompt + answer,
      prompt_tokens_details: { cached_tokens: this.#sum((call) => call.cachedTokens) },
    };
  }

  get hasSpoken(): boolean {
    return this.#spoken;
  }

  add(call: ModelUsage): void {
    this.#calls.push(call);
  }

  /** The model has begun to answer. */
  spoken(): void {
    this.#spoken = true;
  }

  /**
   * Writes the rows, one per model call. One that was stopped while it spoke counts, though nobody tells its tokens. What
   * was answered is not taken back because a disk is full.
   */
  async close(): Promise<void> {
    const { store, logger, clock } = this.#deps;
    const { userId, model: wanted } = this.#plan;
    const createdAt = clock();
    const untold = { model: wanted, inputTokens: 0, outputTokens: 0, cachedTokens: 0, cost: null };
    const calls = this.#calls.length === 0 && this.#spoken ? [untold] : this.#calls;
    try {
      await store.usage.add(
        calls.map(({ model, inputTokens, outputTokens, cachedTokens, cost }) => ({
          ...{ id: newId(), turnId: null, chatId: null, userId, createdAt },
          ...{ model, inputTokens, outputTokens, cachedTokens, cost },
        })),
      );
    } catch (error) {
      logger.error({ err: error, userId }, 'the usage of a completion could not be stored');
    }
  }

  #sum(tokens: (call: ModelUsage) => number): number {
    return this.#calls.reduce((total, call) => total + tokens(call), 0);
  }
}
