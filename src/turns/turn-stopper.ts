/** Stops turns, wherever they are: waiting, running here, or running on another instance, which is asked to. */
import { type GatewayError, notFound } from '../errors.ts';
import type { OwnedTurn, Store } from '../store/store.ts';
import type { LiveTurn, StopReason } from './live-turn.ts';
import type { LiveTurns } from './live-turns.ts';
import { turnView } from './turn-shapes.ts';
import type { TurnSignals } from './turn-signals.ts';
import type { UserEvents } from './user-events.ts';

/** What stopping needs. */
export interface TurnStopperDependencies {
  readonly store: Store;
  readonly live: LiveTurns;
  readonly signals: TurnSignals;
  readonly userEvents: UserEvents;
  readonly clock: () => number;
  /** The turn, once it has ended. */
  readonly ended: (turn: OwnedTurn, signal: AbortSignal) => Promise<OwnedTurn>;
}

/** How long an instance may take to stop a turn that another one asks about; its owner may be dead. Milliseconds. */
const ELSEWHERE_MS = 3_000;

export class TurnStopper {
  readonly #deps: TurnStopperDependencies;

  constructor(deps: TurnStopperDependencies) {
    this.#deps = deps;
  }

  /** See `TurnEngine.cancel`. */
  async cancel(userId: string, turnId: string): Promise<OwnedTurn> {
    const { store, live, signals, userEvents, clock } = this.#deps;
    const now = clock();
    const turn = await store.turns.requestCancel(userId, turnId, now);
    if (turn === null) throw notFound('turn');
    live.get(turnId)?.stop({ status: 'cancelled' });
    if (turn.startedAt === null && turn.endedAt === now) {
      // It was still waiting: this is all that ever happened to it.
      userEvents.publish(turn.userId, { event: 'turn.ended', data: { turn: turnView(turn) } });
    }
    signals.tell(turnId);
    return turn;
  }

  /** See `TurnEngine.stopChat`. */
  async stopChat(chatId: string): Promise<void> {
    const { store, live } = this.#deps;
    const active = await store.turns.active(chatId);
    const here = live.inChat(chatId);
    await this.#stop(active, here === undefined ? [] : [here], { status: 'cancelled' });
  }

  /** See `TurnEngine.stopUser`. */
  async stopUser(userId: string, error: GatewayError): Promise<void> {
    const { store, live } = this.#deps;
    const active = await store.turns.activeOfUser(userId);
    // Only now: what has started while the store was asked is stopped too.
    const here = live.all().filter(({ turn }) => turn.userId === userId);
    await this.#stop(active, here, { status: 'failed', error });
  }

  /** As {@link stopUser}, for those that run here: another instance has seen to the rest. */
  async stopUserHere(userId: string, error: GatewayError): Promise<void> {
    const { live } = this.#deps;
    const here = live.all().filter(({ turn }) => turn.userId === userId);
    await live.stop(here, { status: 'failed', error });
  }

  /** What waits first, so that nothing starts when what runs has stopped. */
  async #stop(active: readonly OwnedTurn[], here: readonly LiveTurn[], reason: StopReason): Promise<void> {
    for (const turn of active) if (turn.status === 'queued') await this.cancel(turn.userId, turn.id);
    const elsewhere = active.filter(
      ({ id, status }) => status === 'running' && !here.some(({ turn }) => turn.id === id),
    );
    await Promise.all([this.#deps.live.stop(here, reason), ...elsewhere.map((turn) => this.#stopElsewhere(turn))]);
  }

  async #stopElsewhere(turn: OwnedTurn): Promise<void> {
    if (this.#deps.store.engine === 'sqlite') return;
    await this.cancel(turn.userId, turn.id);
    const late = AbortSignal.timeout(ELSEWHERE_MS);
    await this.#deps.ended(turn, late).catch((error: unknown) => {
      // A dead owner's turn is ended by whoever finds it; a deleted one is over as well.
      if (!late.aborted && (error as GatewayError).code !== 'not_found') throw error;
    });
  }
}
