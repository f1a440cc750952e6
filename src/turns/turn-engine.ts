/**
 * The heart: takes messages, runs turns one at a time per chat, lets anyone follow them, stops them, and brings order after
 * a crash. A turn belongs to the engine, never to a connection.
 */
import type { Logger } from 'pino';
import { GatewayError, notFound } from '../errors.ts';
import type { AttachmentRecord, MessageRecord, TurnFrame, TurnRecord } from '../store/records.ts';
import type { AcceptOutcome, NewTurn, OwnedChat, OwnedTurn } from '../store/store.ts';
import { newId } from '../wire/ids.ts';
import { followStored } from './follow-stored.ts';
import { FrameWriter } from './frame-writer.ts';
import { LiveTurn, type StopReason } from './live-turn.ts';
import { hasEnded, terminalEvent } from './turn-events.ts';
import { TurnLog } from './turn-log.ts';
import { recoverTurns } from './turn-recovery.ts';
import { runTurn, type TurnRunnerDependencies } from './turn-runner.ts';
import { turnView } from './turn-shapes.ts';
import type { UserEvents } from './user-events.ts';

/** What the engine is made of; the engine closes none of it. */
export interface TurnEngineDependencies extends Omit<TurnRunnerDependencies, 'writer'> {
  readonly userEvents: UserEvents;
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
  readonly idempotency: { key: string; bodyHash: string } | null;
  readonly requestId: string | null;
}

/** What became of it. `replayed`: an earlier request with the same Idempotency-Key made this turn. */
export interface Submitted {
  readonly turn: OwnedTurn;
  readonly replayed: boolean;
}

/** Seconds a caller is told to wait when too much is going on. */
const BUSY_RETRY_SECONDS = 2;

/** How often this instance signs life for the turns it runs, in milliseconds. */
const HEARTBEAT_MS = 5_000;

export class TurnEngine {
  readonly #deps: TurnEngineDependencies;
  readonly #writer: FrameWriter;
  readonly #logger: Logger;
  /** Turns this process runs. */
  readonly #live = new Map<string, LiveTurn>();
  /** Logs of turns that are queued or running here, so that a follower can come before the turn starts. */
  readonly #logs = new Map<string, TurnLog>();
  /** The request a queued turn came with. */
  readonly #requestIds = new Map<string, string | null>();
  readonly #heartbeat: NodeJS.Timeout;
  #draining = false;

  constructor(deps: TurnEngineDependencies) {
    this.#deps = deps;
    this.#logger = deps.logger;
    this.#writer = new FrameWriter(deps.store, deps.logger, deps.clock);
    this.#heartbeat = setInterval(() => void this.#signLife(), HEARTBEAT_MS);
    this.#heartbeat.unref();
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
    for (;;) {
      const chats = await this.#deps.store.turns.chatsWithWork(100);
      const started = await Promise.all(chats.map((chatId) => this.#pump(chatId)));
      if (!started.some(Boolean)) return;
    }
  }

  /**
   * Saves the message and starts, queues or joins its turn. When it returns, the message is durable.
   * @throws GatewayError `turn_running`, `queue_full`, `too_many_turns`, `idempotency_mismatch`, `not_found`,
   * `shutting_down`, `store_unavailable`; nothing was saved then.
   */
  async submit(request: TurnRequest): Promise<Submitted> {
    if (this.#draining) {
      throw new GatewayError('shutting_down', 'This instance is shutting down. Send the message again.', {
        retryAfter: 1,
      });
    }
    const live = request.delivery === 'steer' ? await this.#joinable(request.chat.id) : null;
    const accepting = this.#deps.store.turns.accept(this.#newTurn(request));
    const outcome = await (live === null ? accepting : live.join(accepting));
    return this.#accepted(request, outcome);
  }

  /** Frames of the turn with id > `after`, past and coming, the terminal one last. Ends early when `signal` aborts. */
  follow(turn: OwnedTurn, after: number, signal: AbortSignal): AsyncIterable<TurnFrame> {
    const log = this.#logs.get(turn.id);
    return log === undefined ? followStored(this.#deps.store, turn, after, signal) : log.follow(after, signal);
  }

  /** The ended turn, as soon as it has ended. @throws the signal's reason when it aborts first */
  async ended(turn: OwnedTurn, signal: AbortSignal): Promise<OwnedTurn> {
    const live = this.#live.get(turn.id);
    if (live !== undefined) await Promise.race([live.done, aborted(signal)]);
    else for await (const _ of this.follow(turn, 0, signal)) signal.throwIfAborted();
    signal.throwIfAborted();
    const now = await this.#deps.store.turns.findOwned(turn.userId, turn.id);
    if (now === null) throw notFound('turn');
    if (hasEnded(now.status)) return now;
    throw new GatewayError('shutting_down', 'This instance is shutting down. The turn goes on; ask for it again.', {
      retryAfter: 1,
      extensions: { turnId: turn.id },
    });
  }

  /** Stops a turn. Idempotent. @throws GatewayError `not_found` */
  async cancel(userId: string, turnId: string): Promise<OwnedTurn> {
    const turn = await this.#deps.store.turns.requestCancel(userId, turnId, this.#deps.clock());
    if (turn === null) throw notFound('turn');
    this.#live.get(turnId)?.stop({ status: 'cancelled' });
    if (turn.status === 'cancelled') this.#endQueued(turn);
    return turn;
  }

  /** Stops everything of a chat that is being deleted, and waits until it is over. */
  async stopChat(chatId: string): Promise<void> {
    await this.#cancelQueued(await this.#deps.store.turns.active(chatId));
    await this.#stopWhere((live) => live.turn.chatId === chatId, { status: 'cancelled' });
  }

  /** Stops everything of a user (revoked, blocked, erased), and waits until it is over. */
  async stopUser(userId: string, error: GatewayError): Promise<void> {
    await this.#cancelQueued(await this.#deps.store.turns.activeOfUser(userId));
    await this.#stopWhere((live) => live.turn.userId === userId, { status: 'failed', error });
  }

  /** Lets running turns end for up to `graceMs`, then interrupts them. New ones are refused from now on. */
  async drain(graceMs: number): Promise<void> {
    this.#draining = true;
    const all = Promise.all([...this.#live.values()].map((live) => live.done));
    await Promise.race([all, new Promise((resolve) => setTimeout(resolve, graceMs).unref())]);
    const error = new GatewayError(
      'interrupted',
      'The gateway was restarted while this turn ran. Send the message again.',
    );
    await this.#stopWhere(() => true, { status: 'interrupted', error });
    for (const log of this.#logs.values()) log.close();
  }

  /** Ends timers. Call {@link drain} first. */
  close(): void {
    this.#draining = true;
    clearInterval(this.#heartbeat);
    this.#writer.close();
    for (const live of this.#live.values()) live.abandoned = true;
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

  async #accepted(request: TurnRequest, outcome: AcceptOutcome): Promise<Submitted> {
    switch (outcome.kind) {
      case 'accepted':
        this.#logs.set(outcome.turn.id, new TurnLog(outcome.turn.id));
        this.#requestIds.set(outcome.turn.id, request.requestId);
        if (outcome.turn.status === 'running') this.#start(outcome.turn, request.chat, outcome.message);
        else this.#publish(outcome.turn, 'turn.queued');
        return { turn: outcome.turn, replayed: false };
      case 'steered':
        await this.#live.get(outcome.turn.id)?.steer(outcome.message);
        return { turn: outcome.turn, replayed: false };
      case 'replayed':
        return { turn: outcome.turn, replayed: true };
      default:
        throw refusal(outcome);
    }
  }

  /** The chat's running turn when a message can still join it; waits out one that is just ending. */
  async #joinable(chatId: string): Promise<LiveTurn | null> {
    for (const live of this.#live.values()) {
      if (live.turn.chatId !== chatId) continue;
      if (!live.ending && live.reason === null) return live;
      await live.done;
    }
    return null;
  }

  #start(turn: OwnedTurn, chat: OwnedChat, message: MessageRecord): void {
    const log = this.#logs.get(turn.id) ?? new TurnLog(turn.id);
    this.#logs.set(turn.id, log);
    const requestId = this.#requestIds.get(turn.id) ?? null;
    const live = new LiveTurn(turn, log, { requestId, markDirty: (dirty) => this.#writer.note(dirty) });
    this.#live.set(turn.id, live);
    this.#publish(turn, 'turn.started');
    if (turn.cancelRequestedAt !== null) live.stop({ status: 'cancelled' });
    void this.#run(live, chat, message);
  }

  async #run(live: LiveTurn, chat: OwnedChat, message: MessageRecord): Promise<void> {
    try {
      const ended = await runTurn(live, { chat, message }, { ...this.#deps, writer: this.#writer });
      if (ended !== null) this.#publish(ended, 'turn.ended');
    } catch (error) {
      this.#logger.error({ err: error, turnId: live.turn.id }, 'a turn broke; the next start will mark it interrupted');
      live.log.close();
      live.finish();
    } finally {
      this.#live.delete(live.turn.id);
      this.#logs.delete(live.turn.id);
      this.#requestIds.delete(live.turn.id);
    }
    await this.#pump(live.turn.chatId);
  }

  /** Starts the chat's next queued turn if nothing runs there. @returns whether one was started */
  async #pump(chatId: string): Promise<boolean> {
    if (this.#draining) return false;
    try {
      const { store, instanceId, clock } = this.#deps;
      const turn = await store.turns.claimNext(chatId, instanceId, clock());
      if (turn === null) return false;
      const [chat, message] = await Promise.all([
        store.chats.findOwned(turn.userId, chatId),
        store.messages.find(chatId, turn.userMessageId),
      ]);
      if (chat === null || message === null) return false;
      this.#start(turn, chat, message);
      return true;
    } catch (error) {
      this.#logger.error({ err: error, chatId }, 'a queued turn could not be started yet');
      return false;
    }
  }

  /** A turn cancelled before it ran: its followers hear the one thing that ever happened to it. */
  #endQueued(turn: TurnRecord): void {
    const log = this.#logs.get(turn.id);
    if (log === undefined || log.ended) return;
    log.append(terminalEvent(turnView(turn)));
    this.#logs.delete(turn.id);
    this.#requestIds.delete(turn.id);
    this.#publish(turn, 'turn.ended');
  }

  async #cancelQueued(turns: readonly OwnedTurn[]): Promise<void> {
    for (const turn of turns) if (turn.status === 'queued') await this.cancel(turn.userId, turn.id);
  }

  async #stopWhere(matches: (live: LiveTurn) => boolean, reason: StopReason): Promise<void> {
    const stopped = [...this.#live.values()].filter(matches);
    for (const live of stopped) live.stop(reason);
    await Promise.all(stopped.map((live) => live.done));
  }

  async #signLife(): Promise<void> {
    if (this.#live.size === 0) return;
    try {
      const { store, instanceId, clock } = this.#deps;
      const known = await store.turns.heartbeat(instanceId, [...this.#live.keys()], clock());
      for (const { id, cancelRequestedAt } of known) {
        if (cancelRequestedAt !== null) this.#live.get(id)?.stop({ status: 'cancelled' });
      }
    } catch (error) {
      this.#logger.warn({ err: error }, 'no sign of life could be stored');
    }
  }

  #publish(turn: TurnRecord, event: 'turn.queued' | 'turn.started' | 'turn.ended'): void {
    this.#deps.userEvents.publish(turn.userId, { event, data: { turn: turnView(turn) } });
  }
}

function refusal(outcome: Exclude<AcceptOutcome, { kind: 'accepted' | 'steered' | 'replayed' }>): GatewayError {
  switch (outcome.kind) {
    case 'turn_running':
      return new GatewayError(
        'turn_running',
        'This chat is still answering. Wait for it, cancel it, or send with "delivery": "queue" or "steer".',
        { extensions: { turnId: outcome.turnId } },
      );
    case 'queue_full':
      return new GatewayError('queue_full', 'Too many messages wait in this chat already.', {
        retryAfter: BUSY_RETRY_SECONDS,
      });
    case 'too_many_turns':
      return new GatewayError('too_many_turns', 'You have as many turns going as you may. Wait for one to end.', {
        retryAfter: BUSY_RETRY_SECONDS,
      });
    case 'idempotency_mismatch':
      return new GatewayError(
        'idempotency_mismatch',
        'This Idempotency-Key was used with another request. Use a new key.',
      );
    case 'chat_gone':
      return notFound('chat');
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
