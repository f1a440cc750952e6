/**
 * The heart: takes messages, runs turns one at a time per chat, lets anyone follow them, stops them, and brings order after
 * a crash. A turn belongs to the engine, never to a connection.
 */
import { GatewayError, notFound } from '../errors.ts';
import type { TurnFrame } from '../store/records.ts';
import type { OwnedTurn } from '../store/store.ts';
import { FrameWriter } from './frame-writer.ts';
import type { TurnAnswer } from './live-turn.ts';
import { LiveTurns } from './live-turns.ts';
import { raced } from './raced.ts';
import { hasEnded } from './turn-events.ts';
import { followTurn, POLL_MS } from './turn-follower.ts';
import { TurnKeeper } from './turn-keeper.ts';
import { recoverTurns } from './turn-recovery.ts';
import { shuttingDown } from './turn-refusals.ts';
import type { TurnRunnerDependencies } from './turn-runner.ts';
import { LocalTurnSignals, type TurnSignals } from './turn-signals.ts';
import { type BackgroundQueue, TurnStarter } from './turn-starter.ts';
import { TurnStopper } from './turn-stopper.ts';
import { type Idempotency, type Submitted, type TurnRequest, TurnTaker } from './turn-taker.ts';
import { TurnWatch } from './turn-watch.ts';

export type { Idempotency, Submitted, TurnRequest } from './turn-taker.ts';

/** What the engine is made of; the engine closes none of it. */
export interface TurnEngineDependencies extends Omit<TurnRunnerDependencies, 'writer'> {
  /** Absent: nobody else runs turns on this store. */
  readonly signals?: TurnSignals;
  /** Absent: background turns run here like all others. */
  readonly background?: BackgroundQueue;
  /** Names this process in the store; never reused. */
  readonly instanceId: string;
  readonly turnsPerUser: number;
  readonly queuePerChat: number;
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
  readonly #watch: TurnWatch;
  readonly #stopper: TurnStopper;
  readonly #taker: TurnTaker;
  /** Messages being taken right now: a drain waits for what becomes of them. */
  readonly #submitting = new Set<Promise<unknown>>();
  /** Aborts when followers are to come back elsewhere. */
  readonly #closing = new AbortController();
  #leaving = false;
  #draining = false;

  constructor(deps: TurnEngineDependencies) {
    this.#deps = deps;
    this.#signals = deps.signals ?? new LocalTurnSignals();
    const tellStored = (turnId: string) => this.#signals.tell(turnId);
    this.#writer = new FrameWriter(deps.store, deps.logger, deps.clock, tellStored);
    const parts = { ...deps, signals: this.#signals, live: this.#live, writer: this.#writer };
    this.#starter = new TurnStarter(parts);
    this.#keeper = new TurnKeeper({ ...parts, starter: this.#starter });
    this.#watch = new TurnWatch(parts);
    this.#taker = new TurnTaker({ ...parts, starter: this.#starter, watch: this.#watch });
    this.#stopper = new TurnStopper({ ...parts, ended: (turn, signal) => this.ended(turn, signal) });
  }

  /** Turns running here. */
  get running(): number {
    return this.#live.size;
  }

  /** It goes away soon, or takes nothing any more. */
  get draining(): boolean {
    return this.#leaving || this.#draining;
  }

  /** Says that it will go away; until {@link drain} everything goes on. */
  announceDrain(): void {
    this.#leaving = true;
  }

  /** Before anything else: ends what a dead process left running. */
  async recover(): Promise<void> {
    await recoverTurns(this.#deps);
  }

  /** Starts what an earlier process left queued. */
  startWaiting(): Promise<void> {
    return this.#starter.startWaiting();
  }

  /**
   * The turn that an earlier request with the same Idempotency-Key made; null: there was none. A retry needs nothing else:
   * neither Copilot nor an instance that takes new messages.
   * @throws GatewayError `idempotency_mismatch`
   */
  async earlier(userId: string, idempotency: Idempotency | null): Promise<OwnedTurn | null> {
    return idempotency === null ? null : await this.#taker.earlier(userId, idempotency);
  }

  /**
   * Saves the message and starts, queues or joins its turn. When it returns, the message is durable.
   * @throws GatewayError `turn_running`, `queue_full`, `too_many_turns`, `idempotency_mismatch`, `not_found`,
   * `shutting_down`, `store_unavailable`; nothing was saved then.
   */
  async submit(request: TurnRequest): Promise<Submitted> {
    if (this.#draining) throw shuttingDown('Send the message again.');
    const taking = this.#taker.take(request);
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

  /** Like {@link ended}, with the answer. */
  async answered(turn: OwnedTurn, signal: AbortSignal): Promise<TurnAnswer> {
    const live = this.#live.get(turn.id);
    await raced(live?.log.over, signal);
    if (live?.answer) return live.answer;
    const ended = await this.ended(turn, signal);
    const message =
      ended.messageId === null ? null : await this.#deps.store.messages.find(ended.chatId, ended.messageId);
    return { turn: ended, message };
  }

  /** Stops a turn, wherever it is. Idempotent. @throws GatewayError `not_found` */
  cancel(userId: string, turnId: string): Promise<OwnedTurn> {
    return this.#stopper.cancel(userId, turnId);
  }

  /** Stops everything of a chat that is being deleted, and waits until it is over. */
  stopChat(chatId: string): Promise<void> {
    return this.#stopper.stopChat(chatId);
  }

  /** Stops everything of a user (revoked, blocked, erased), and waits until it is over. */
  stopUser(userId: string, error: GatewayError): Promise<void> {
    return this.#stopper.stopUser(userId, error);
  }

  /** Stops what runs of a user on this instance: another one has ended their access. */
  stopUserHere(userId: string, error: GatewayError): Promise<void> {
    return this.#stopper.stopUserHere(userId, error);
  }

  /** Another instance has changed something about this turn. */
  look(turnId: string): void {
    this.#watch.look([turnId]);
  }

  /** Runs what waits in a chat, for whoever took a background turn. Resolves when nothing of the chat runs here any more. */
  runChat(chatId: string): Promise<void> {
    return this.#starter.runChat(chatId);
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
    this.#watch.close();
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
}
