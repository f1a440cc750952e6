/**
 * The heart: takes messages, runs turns one at a time per chat, lets anyone follow them, stops them, and brings order after
 * a crash. A turn belongs to the engine, never to a connection.
 */
import { GatewayError, notFound } from '../errors.ts';
import type { AttachmentRecord, TurnFrame, TurnRecord } from '../store/records.ts';
import type { AcceptOutcome, NewTurn, OwnedChat, OwnedTurn } from '../store/store.ts';
import { newId } from '../wire/ids.ts';
import { FrameWriter } from './frame-writer.ts';
import { LiveTurns } from './live-turns.ts';
import { raced } from './raced.ts';
import { hasEnded } from './turn-events.ts';
import { followTurn, POLL_MS } from './turn-follower.ts';
import { TurnKeeper } from './turn-keeper.ts';
import { recoverTurns } from './turn-recovery.ts';
import { refusalError, shuttingDown } from './turn-refusals.ts';
import type { TurnRunnerDependencies } from './turn-runner.ts';
import { turnView } from './turn-shapes.ts';
import { LocalTurnSignals, type TurnSignals } from './turn-signals.ts';
import { TurnStarter } from './turn-starter.ts';

/** What the engine is made of; the engine closes none of it. */
export interface TurnEngineDependencies extends Omit<TurnRunnerDependencies, 'writer'> {
  /** Absent: nobody else runs turns on this store. */
  readonly signals?: TurnSignals;
  /** Names this process in the store; never reused. */
  readonly instanceId: string;
  readonly turnsPerUser: number;
  readonly queuePerChat: number;
}

/** A message that asks for a turn, checked and complete. */
export interface TurnRequest {
  readonly chat: OwnedChat;
  readonly content: string;
  readonly attachments: AttachmentRecord[];
  readonly model: string | null;
  readonly delivery: 'reject' | 'queue' | 'steer';
  readonly background: boolean;
  /** `bodyHash` covers all that makes the request the same request, the chat included. */
  readonly idempotency: { key: string; bodyHash: string } | null;
  readonly requestId: string | null;
}

/** What became of it. `replayed`: an earlier request with the same Idempotency-Key made this turn. */
export interface Submitted {
  readonly turn: OwnedTurn;
  readonly replayed: boolean;
}

/** What stopping turns and storing their ends may take when the instance closes, in milliseconds. */
const LAST_WORDS_MS = 1_800;

export class TurnEngine {
  readonly #deps: TurnEngineDependencies;
  readonly #signals: TurnSignals;
  readonly #live = new LiveTurns();
  readonly #writer: FrameWriter;
  readonly #starter: TurnStarter;
  readonly #keeper: TurnKeeper;
  /** Messages being taken right now: a drain waits for what becomes of them. */
  readonly #submitting = new Set<Promise<unknown>>();
  /** Aborts when followers are to come back elsewhere. */
  readonly #closing = new AbortController();
  #draining = false;

  constructor(deps: TurnEngineDependencies) {
    this.#deps = deps;
    this.#signals = deps.signals ?? new LocalTurnSignals();
    this.#writer = new FrameWriter(deps.store, deps.logger, deps.clock);
    const parts = { ...deps, signals: this.#signals, live: this.#live, writer: this.#writer };
    this.#starter = new TurnStarter(parts);
    this.#keeper = new TurnKeeper({ ...parts, starter: this.#starter });
  }

  /** Turns running here. */
  get running(): number {
    return this.#live.size;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** After a start: ends what a dead process left running, starts what it left queued. */
  async recover(): Promise<void> {
    await recoverTurns(this.#deps);
    await this.#starter.startWaiting();
  }

  /**
   * Saves the message and starts, queues or joins its turn. When it returns, the message is durable.
   * @throws GatewayError `turn_running`, `queue_full`, `too_many_turns`, `idempotency_mismatch`, `not_found`,
   * `shutting_down`, `store_unavailable`; nothing was saved then.
   */
  async submit(request: TurnRequest): Promise<Submitted> {
    if (this.#draining) throw shuttingDown('Send the message again.');
    const taking = this.#take(request);
    this.#submitting.add(taking);
    try {
      return await taking;
    } finally {
      this.#submitting.delete(taking);
    }
  }

  /** Frames of the turn with id > `after`, past and coming, the terminal one last. Ends early when `signal` aborts. */
  follow(turn: OwnedTurn, after: number, signal: AbortSignal): AsyncIterable<TurnFrame> {
    const { store } = this.#deps;
    const parts = { store, live: this.#live, signals: this.#signals, closing: this.#closing.signal };
    return followTurn(turn, after, signal, parts);
  }

  /**
   * The ended turn, as soon as it has ended.
   * @throws the signal's reason when it aborts first; GatewayError `not_found` when the turn was deleted meanwhile,
   * `shutting_down` when this instance closes before the turn's end
   */
  async ended(turn: OwnedTurn, signal: AbortSignal): Promise<OwnedTurn> {
    for (;;) {
      await raced(this.#live.get(turn.id)?.log.over, signal);
      const now = await this.#deps.store.turns.findOwned(turn.userId, turn.id);
      if (now === null) throw notFound('turn');
      if (hasEnded(now.status)) return now;
      if (this.#closing.signal.aborted) throw shuttingDown('The turn goes on; ask for it again.', turn.id);
      const log = this.#live.get(turn.id)?.log;
      if (log === undefined || log.ended) {
        await this.#signals.news(turn.id, POLL_MS, AbortSignal.any([signal, this.#closing.signal]));
      }
    }
  }

  /** Stops a turn. Idempotent. @throws GatewayError `not_found` */
  async cancel(userId: string, turnId: string): Promise<OwnedTurn> {
    const now = this.#deps.clock();
    const turn = await this.#deps.store.turns.requestCancel(userId, turnId, now);
    if (turn === null) throw notFound('turn');
    this.#live.get(turnId)?.stop({ status: 'cancelled' });
    if (turn.startedAt === null && turn.endedAt === now) {
      // It was still waiting: its message stays in the history, and the runtime has to learn of it before the next turn.
      await this.#deps.store.chats.bumpContextVersion(turn.chatId);
      this.#publish(turn, 'turn.ended');
    }
    this.#signals.tell(turnId);
    return turn;
  }

  /** Stops everything of a chat that is being deleted, and waits until it is over. */
  async stopChat(chatId: string): Promise<void> {
    await this.#cancelQueued(await this.#deps.store.turns.active(chatId));
    const live = this.#live.inChat(chatId);
    if (live !== undefined) await this.#live.stop([live], { status: 'cancelled' });
  }

  /** Stops everything of a user (revoked, blocked, erased), and waits until it is over. */
  async stopUser(userId: string, error: GatewayError): Promise<void> {
    await this.#cancelQueued(await this.#deps.store.turns.activeOfUser(userId));
    const theirs = this.#live.all().filter((live) => live.turn.userId === userId);
    await this.#live.stop(theirs, { status: 'failed', error });
  }

  /**
   * Lets running turns end for up to `graceMs`, then interrupts them. New ones are refused from now on; followers end. An
   * end that cannot be stored in {@link LAST_WORDS_MS} is left to the next start.
   */
  async drain(graceMs: number): Promise<void> {
    this.#draining = true;
    this.#starter.close();
    await this.#quiet(graceMs);
    const error = new GatewayError(
      'interrupted',
      'The gateway was restarted while this turn ran. Send the message again.',
    );
    for (const live of this.#live.all()) live.stop({ status: 'interrupted', error });
    await this.#quiet(LAST_WORDS_MS);
    this.#leave();
  }

  /** Ends timers and whatever is left. Call {@link drain} first. */
  close(): void {
    this.#draining = true;
    this.#starter.close();
    this.#keeper.close();
    this.#writer.close();
    this.#leave();
  }

  #leave(): void {
    this.#closing.abort();
    for (const live of this.#live.all()) {
      live.abandon();
      live.log.close();
    }
  }

  /** Waits until nothing is taken or runs here, but no longer than `ms`. */
  async #quiet(ms: number): Promise<void> {
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(), ms);
    while (!over.signal.aborted && this.#live.size + this.#submitting.size > 0) {
      const turns = this.#live.all().map((live) => live.done);
      await raced(Promise.allSettled([...turns, ...this.#submitting]), over.signal).catch(() => undefined);
      // What has just settled leaves the lists in the microtasks that follow.
      await new Promise((resolve) => setImmediate(resolve));
    }
    clearTimeout(timer);
  }

  async #take(request: TurnRequest): Promise<Submitted> {
    const joined = request.delivery === 'steer' ? await this.#live.joinable(request.chat.id) : null;
    const taking = this.#accept(request);
    return joined === null ? taking : joined.join(taking);
  }

  async #accept(request: TurnRequest): Promise<Submitted> {
    const outcome: AcceptOutcome = await this.#deps.store.turns.accept(this.#newTurn(request));
    switch (outcome.kind) {
      case 'accepted': {
        const { turn, message } = outcome;
        if (turn.status === 'running') this.#starter.start(turn, { chat: request.chat, message }, request.requestId);
        else this.#publish(turn, 'turn.queued');
        return { turn, replayed: false };
      }
      case 'steered':
        this.#live.get(outcome.turn.id)?.steer(outcome.message);
        return { turn: outcome.turn, replayed: false };
      case 'replayed':
        return { turn: outcome.turn, replayed: true };
      default:
        throw refusalError(outcome);
    }
  }

  #newTurn({ chat, ...request }: TurnRequest): NewTurn {
    const { instanceId, turnsPerUser, queuePerChat, clock } = this.#deps;
    return {
      ...request,
      turnId: newId(),
      messageId: newId(),
      userId: chat.userId,
      chatId: chat.id,
      owner: instanceId,
      now: clock(),
      limits: { turnsPerUser, queuePerChat },
    };
  }

  async #cancelQueued(turns: readonly OwnedTurn[]): Promise<void> {
    for (const turn of turns) if (turn.status === 'queued') await this.cancel(turn.userId, turn.id);
  }

  #publish(turn: TurnRecord, event: 'turn.queued' | 'turn.ended'): void {
    this.#deps.userEvents.publish(turn.userId, { event, data: { turn: turnView(turn) } });
  }
}
