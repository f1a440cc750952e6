/** The turns this process runs. A chat runs one at a time, so a turn is found by its chat as well as by its id. */
import type { LiveTurn, StopReason } from './live-turn.ts';

export class LiveTurns {
  readonly #byId = new Map<string, LiveTurn>();
  readonly #byChat = new Map<string, LiveTurn>();

  get size(): number {
    return this.#byId.size;
  }

  get(turnId: string): LiveTurn | undefined {
    return this.#byId.get(turnId);
  }

  inChat(chatId: string): LiveTurn | undefined {
    return this.#byChat.get(chatId);
  }

  all(): LiveTurn[] {
    return [...this.#byId.values()];
  }

  add(live: LiveTurn): void {
    this.#byId.set(live.turn.id, live);
    this.#byChat.set(live.turn.chatId, live);
  }

  remove(live: LiveTurn): void {
    this.#byId.delete(live.turn.id);
    if (this.#byChat.get(live.turn.chatId) === live) this.#byChat.delete(live.turn.chatId);
  }

  /** The chat's running turn when a message can still join it; waits out one that is just ending. */
  async joinable(chatId: string): Promise<LiveTurn | null> {
    for (let live = this.inChat(chatId); live !== undefined; live = this.inChat(chatId)) {
      if (live.joinable) return live;
      await live.done;
      this.remove(live);
    }
    return null;
  }

  /** Stops turns and waits until their ends are stored. */
  async stop(turns: readonly LiveTurn[], reason: StopReason): Promise<void> {
    for (const live of turns) live.stop(reason);
    await Promise.all(turns.map((live) => live.done));
  }
}
