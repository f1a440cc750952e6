/** Takes messages: saves each with its turn, and starts, queues or joins that. */
import type { Logger } from 'pino';
import type { AttachmentRecord } from '../store/records.ts';
import type { AcceptOutcome, NewTurn, OwnedChat, OwnedTurn, Replacement, Store } from '../store/store.ts';
import type { RequestTrace } from '../tracing/tracing.ts';
import { newId } from '../wire/ids.ts';
import type { LiveTurns } from './live-turns.ts';
import { refusalError } from './turn-refusals.ts';
import { turnView } from './turn-shapes.ts';
import type { TurnSignals } from './turn-signals.ts';
import type { BackgroundQueue, TurnStarter } from './turn-starter.ts';
import type { TurnWatch } from './turn-watch.ts';
import type { UserEvents } from './user-events.ts';

/** By what a retry is told. `bodyHash` covers all that makes the request the same request, the chat included. */
export interface Idempotency {
  readonly key: string;
  readonly bodyHash: string;
}

/** A message that asks for a turn, checked and complete. */
export interface TurnRequest {
  readonly chat: OwnedChat;
  readonly content: string;
  readonly attachments: AttachmentRecord[];
  readonly model: string | null;
  readonly delivery: 'reject' | 'queue' | 'steer';
  readonly background: boolean;
  /** Absent: the message comes after everything. */
  readonly replaces?: Replacement;
  readonly idempotency: Idempotency | null;
  readonly requestId: string | null;
  /** Absent or null: nothing of the request is traced. */
  readonly trace?: RequestTrace | null;
}

/** What became of it. `replayed`: an earlier request with the same Idempotency-Key made this turn. */
export interface Submitted {
  readonly turn: OwnedTurn;
  readonly replayed: boolean;
}

/** What taking needs. */
export interface TurnTakerDependencies {
  readonly store: Store;
  readonly live: LiveTurns;
  readonly starter: TurnStarter;
  readonly watch: TurnWatch;
  readonly signals: TurnSignals;
  readonly userEvents: UserEvents;
  readonly background?: BackgroundQueue;
  readonly instanceId: string;
  readonly turnsPerUser: number;
  readonly queuePerChat: number;
  readonly logger: Logger;
  readonly clock: () => number;
}

export class TurnTaker {
  readonly #deps: TurnTakerDependencies;

  constructor(deps: TurnTakerDependencies) {
    this.#deps = deps;
  }

  /** See `TurnEngine.earlier`. */
  async earlier(userId: string, { key, bodyHash }: Idempotency): Promise<OwnedTurn | null> {
    const { turns } = this.#deps.store;
    const known = await turns.findByIdempotencyKey(userId, key);
    const turn = known === null ? null : await turns.findOwned(userId, known.turnId);
    // Committed is not yet on the disk: the first request may be waiting for that.
    if (turn !== null) await this.#deps.store.durable();
    if (turn !== null && known?.bodyHash !== bodyHash) throw refusalError({ kind: 'idempotency_mismatch' });
    return turn;
  }

  /** See `TurnEngine.submit`. */
  async take(request: TurnRequest): Promise<Submitted> {
    const joined = request.delivery === 'steer' ? await this.#deps.live.joinable(request.chat.id) : null;
    const taking = this.#accept(request);
    const submitted = await (joined === null ? taking : joined.join(taking));
    // The turn runs meanwhile.
    await this.#deps.store.durable();
    return submitted;
  }

  async #accept(request: TurnRequest): Promise<Submitted> {
    const outcome: AcceptOutcome = await this.#deps.store.turns.accept(this.#newTurn(request));
    switch (outcome.kind) {
      case 'accepted': {
        const { turn, message } = outcome;
        if (turn.status === 'running') this.#deps.starter.start(turn, { chat: request.chat, message }, request);
        else this.#wait(turn, request);
        return { turn, replayed: false };
      }
      case 'steered':
        await this.#joined(outcome.turn.id);
        return { turn: outcome.turn, replayed: false };
      case 'replayed':
        return { turn: outcome.turn, replayed: true };
      default:
        throw refusalError(outcome);
    }
  }

  #newTurn({ chat, trace: _, ...request }: TurnRequest): NewTurn {
    const { instanceId, turnsPerUser, queuePerChat, clock, background } = this.#deps;
    return {
      ...request,
      turnId: newId(),
      messageId: newId(),
      userId: chat.userId,
      chatId: chat.id,
      owner: request.background && background !== undefined ? null : instanceId,
      now: clock(),
      limits: { turnsPerUser, queuePerChat },
    };
  }

  #wait(turn: OwnedTurn, { trace }: TurnRequest): void {
    trace?.leadsTo(turn.id);
    this.#deps.userEvents.publish(turn.userId, { event: 'turn.queued', data: { turn: turnView(turn) } });
    if (turn.background) this.#deps.background?.offer(turn);
  }

  /** A message is saved in a running turn: whoever runs it takes it from the store, so that all of them come in order. */
  async #joined(turnId: string): Promise<void> {
    const live = this.#deps.live.get(turnId);
    if (live === undefined) {
      this.#deps.signals.tell(turnId);
      return;
    }
    try {
      await this.#deps.watch.takeJoined(live);
    } catch (error) {
      // It is not lost: the turn cannot end without it.
      this.#deps.logger.warn({ err: error, turnId }, 'a message that joined could not be read yet');
    }
  }
}
