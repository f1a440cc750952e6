/**
 * Keeps order among turns as time goes by: signs life for those that run here, hears what other instances ask of them, and
 * ends those that nobody runs any more, so that no chat is blocked for ever.
 */
import type { Logger } from 'pino';
import type { TurnRecord } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import type { LiveTurns } from './live-turns.ts';
import { DEAD_AFTER_MS, interruptTurn } from './turn-recovery.ts';
import { turnView } from './turn-shapes.ts';
import type { TurnSignals } from './turn-signals.ts';
import type { TurnStarter } from './turn-starter.ts';
import type { UserEvents } from './user-events.ts';

/** What keeping order needs. */
export interface TurnKeeperDependencies {
  readonly store: Store;
  readonly live: LiveTurns;
  readonly starter: TurnStarter;
  readonly userEvents: UserEvents;
  readonly signals: TurnSignals;
  readonly instanceId: string;
  readonly logger: Logger;
  readonly clock: () => number;
}

/** Between two signs of life, in milliseconds. */
const BEAT_MS = 5_000;

/** How long a turn may be ours in the store before this process knows it: its acceptance is on the way to us. */
const SETTLING_MS = 10_000;

/**
 * Nobody is declared dead sooner after this instance could first reach the store, or could again: all were silent while the
 * database was away, and those who live sign within a beat. Milliseconds.
 */
const STEADY_MS = 2 * BEAT_MS - 500;

/** Turns looked at in one go. */
const STEP = 50;

export class TurnKeeper {
  readonly #deps: TurnKeeperDependencies;
  readonly #timer: NodeJS.Timeout;
  #busy = false;
  /** Since when every beat has reached the store, by a clock that only runs forward; null: the last one did not. */
  #steadySince: number | null = performance.now();

  constructor(deps: TurnKeeperDependencies) {
    this.#deps = deps;
    this.#timer = setInterval(() => void this.#beat(), BEAT_MS);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #beat(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      await this.#signLife();
      await this.endAbandoned();
      // Where instances share a database, another one may have left a queue behind; alone, every end starts the next.
      if (this.#deps.store.engine === 'postgres') await this.#deps.starter.startWaiting();
      this.#steadySince ??= performance.now();
    } catch (error) {
      this.#steadySince = null;
      this.#deps.logger.warn({ err: error }, 'the order of turns could not be looked after');
    } finally {
      this.#busy = false;
    }
  }

  /** Ends turns of dead instances, and those of this one that it lost: their end could not be stored at the time. */
  async endAbandoned(): Promise<void> {
    const { store, instanceId, clock } = this.#deps;
    const steady = this.#steadySince !== null && performance.now() - this.#steadySince >= STEADY_MS;
    const silentSince = store.engine === 'postgres' && steady ? clock() - DEAD_AFTER_MS : 0;
    const suspects = await store.turns.abandoned(silentSince, instanceId, STEP);
    for (const turn of suspects) if (!this.#isRun(turn)) await this.#tryToInterrupt(turn);
  }

  #isRun(turn: TurnRecord): boolean {
    if (turn.owner !== this.#deps.instanceId) return false;
    return this.#deps.live.get(turn.id) !== undefined || (turn.heartbeatAt ?? 0) > this.#deps.clock() - SETTLING_MS;
  }

  /** A row that somebody holds must not keep the others waiting: the next beat tries again. */
  async #tryToInterrupt(turn: TurnRecord): Promise<void> {
    try {
      await this.#interrupt(turn);
    } catch (error) {
      this.#deps.logger.warn({ err: error, turnId: turn.id }, 'a turn that nobody runs could not be ended yet');
    }
  }

  async #interrupt(turn: TurnRecord): Promise<void> {
    const { store, userEvents, signals, starter, logger, clock } = this.#deps;
    const ended = await interruptTurn(turn, store, clock());
    if (ended === null) return;
    logger.warn({ turnId: turn.id, owner: turn.owner }, 'a turn that nobody ran any more is marked interrupted');
    userEvents.publish(ended.userId, { event: 'turn.ended', data: { turn: turnView(ended) } });
    signals.tell(ended.id);
    void starter.startNext(ended.chatId);
  }

  async #signLife(): Promise<void> {
    const { store, live, instanceId, clock } = this.#deps;
    if (live.size === 0) return;
    const ids = live.all().map(({ turn }) => turn.id);
    for (const { id, cancelRequestedAt } of await store.turns.heartbeat(instanceId, ids, clock())) {
      if (cancelRequestedAt !== null) live.get(id)?.stop({ status: 'cancelled' });
    }
  }
}
