/** Chats that were deleted here and can still be had back: the gateway hears of it when the time for regret is over. */
import type { GatewayApi } from '../api/gateway-api.ts';

export class PendingDeletes {
  readonly #api: Pick<GatewayApi, 'deleteChat'>;
  readonly #waiting = new Set<string>();

  constructor(api: Pick<GatewayApi, 'deleteChat'>) {
    this.#api = api;
  }

  add(chatId: string): void {
    this.#waiting.add(chatId);
  }

  /** The person wants it back. */
  takeBack(chatId: string): void {
    this.#waiting.delete(chatId);
  }

  /** Deletes it for good. Nothing happens when it was taken back or is gone already. @throws ApiError */
  async commit(chatId: string): Promise<void> {
    if (!this.#waiting.delete(chatId)) return;
    await this.#api.deleteChat(chatId, false);
  }

  /** The page goes away, or its person: whoever leaves does not take anything back any more. */
  async flush(): Promise<void> {
    const chatIds = [...this.#waiting];
    this.#waiting.clear();
    // What fails stays in the list, where it can be deleted again.
    await Promise.allSettled(chatIds.map((chatId) => this.#api.deleteChat(chatId, true)));
  }
}
