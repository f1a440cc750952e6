/** News of turns across instances: whoever waits anywhere is woken. A lost notice costs no more than the waiter's patience. */
import { LocalTurnSignals, type TurnSignals } from '../turns/turn-signals.ts';

export class ClusterTurnSignals implements TurnSignals {
  readonly #local = new LocalTurnSignals();
  readonly #tellOthers: (turnId: string) => void;

  constructor(tellOthers: (turnId: string) => void) {
    this.#tellOthers = tellOthers;
  }

  tell(turnId: string): void {
    this.#local.tell(turnId);
    this.#tellOthers(turnId);
  }

  /** Another instance told it. */
  heard(turnId: string): void {
    this.#local.tell(turnId);
  }

  news(turnId: string, ms: number, signal: AbortSignal): Promise<void> {
    return this.#local.news(turnId, ms, signal);
  }
}
