/** Starts turns: the one just taken, the next of a chat's queue, whatever waits after a start. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { MessageRecord, TurnRecord } from '../store/records.ts';
import type { OwnedChat, OwnedTurn, WaitingTurn } from '../store/store.ts';
import { type ChatOutcome, NO_TRACING, type RequestTrace, type Tracing } from '../tracing/tracing.ts';
import { LiveTurn } from './live-turn.ts';
import type { LiveTurns } from './live-turns.ts';
import { untilStored } from './patience.ts';
import { runTurn, type TurnRunnerDependencies } from './turn-runner.ts';
import { turnView } from './turn-shapes.ts';
import type { TurnSignals } from './turn-signals.ts';
import type { TurnSubject } from './turn-subject.ts';

/** What starting a turn needs. */
export interface TurnStarterDependencies extends TurnRunnerDependencies {
  readonly live: LiveTurns;
  readonly signals: TurnSignals;
  /** Names this process in the store; never reused. */
  readonly instanceId: string;
  /** Where background turns wait for whoever is free; absent: they run here like all others. */
  readonly background?: BackgroundQueue;
  /** Absent: nothing is traced. */
  readonly tracing?: Pick<Tracing, 'beginTurn'>;
}

/** Whose request began a turn. */
export interface TurnOrigin {
  /** Null: nobody's. */
  readonly requestId: string | null;
  readonly trace?: RequestTrace | null;
}

/** Background turns that no instance has taken yet. */
export interface BackgroundQueue {
  /** Somebody who is free shall run this turn's chat. Offering it twice is offering it once. Never throws. */
  offer(turn: WaitingTurn): void;
}

/** Chats looked at in one go. */
const STEP = 100;

/** A background turn that still waits after this is offered once more: its first offer may have been lost. Milliseconds. */
const OFFERED_MS = 5_000;

export class TurnStarter {
  readonly #deps: TurnStarterDependencies;
  /** By chat, until the chat has nothing left to run here. */
  readonly #runs = new Map<string, Promise<void>>();
  /** Aborts when no turn may start here any more. */
  readonly #closed = new AbortController();

  constructor(deps: TurnStarterDependencies) {
    this.#deps = deps;
  }

  /** Nothing starts from now on. */
  close(): void {
    this.#closed.abort();
  }

  /** Runs a turn that is ours. When it is over, the chat's next one follows. */
  start(turn: OwnedTurn, subject: { chat: OwnedChat; message: MessageRecord }, origin: TurnOrigin): void {
    const { live: turns, writer, tracing = NO_TRACING } = this.#deps;
    const { requestId, trace } = origin;
    const span = trace?.begin(turn.model) ?? tracing.beginTurn(turn.id, turn.model);
    const live = new LiveTurn(turn, subject.message, { requestId, span, markDirty: (dirty) => writer.note(dirty) });
    turns.add(live);
    this.#tell(turn, 'turn.started');
    if (turn.cancelRequestedAt !== null) live.stop({ status: 'cancelled' });
    const run = this.#run(live, subject).finally(() => {
      // The next turn of the chat may have taken its place.
      if (this.#runs.get(turn.chatId) === run) this.#runs.delete(turn.chatId);
    });
    this.#runs.set(turn.chatId, run);
  }

  /** Runs what waits in the chat, one after the other. Resolves when nothing of it runs here any more. */
  async runChat(chatId: string): Promise<void> {
    await this.startNext(chatId);
    for (let run = this.#runs.get(chatId); run !== undefined; run = this.#runs.get(chatId)) await run;
  }

  /** Starts what waits in chats where nothing runs, until none is left that could start here; offers what may run anywhere. */
  async startWaiting(): Promise<void> {
    const { store, background, clock } = this.#deps;
    const offered = background === undefined ? [] : await store.turns.waitingInBackground(clock() - OFFERED_MS, STEP);
    for (const turn of offered) background?.offer(turn);
    const kind = background === undefined ? 'any' : 'foreground';
    const tried = new Set<string>();
    for (;;) {
      const chats = await store.turns.chatsWithWork(STEP, kind);
      const fresh = chats.filter((chatId) => !tried.has(chatId));
      if (fresh.length === 0 || this.#closed.signal.aborted) return;
      for (const chatId of fresh) tried.add(chatId);
      await Promise.all(fresh.map((chatId) => this.startNext(chatId)));
    }
  }

  /** Starts the chat's next queued turn if nothing runs there. Waits while the store is away. */
  async startNext(chatId: string): Promise<void> {
    const { logger } = this.#deps;
    if (this.#closed.signal.aborted) return;
    const patience = {
      until: this.#closed.signal,
      onWait: (error: Error) => logger.warn({ err: error, chatId }, 'the next turn of a chat waits for the store'),
    };
    try {
      const { store, instanceId, clock } = this.#deps;
      const turn = await untilStored(() => store.turns.claimNext(chatId, instanceId, clock()), patience);
      if (turn === null) return;
      const subject = await untilStored(() => this.#subjectOf(turn), patience);
      if (subject !== null) this.start(turn, subject, { requestId: null });
    } catch (error) {
      logger.error({ err: error, chatId }, 'the next turn of a chat could not be started');
    }
  }

  async #subjectOf(turn: OwnedTurn): Promise<{ chat: OwnedChat; message: MessageRecord } | null> {
    const { chats, messages } = this.#deps.store;
    const [chat, message] = await Promise.all([
      chats.findOwned(turn.userId, turn.chatId),
      messages.find(turn.chatId, turn.userMessageId),
    ]);
    // The chat was deleted since we claimed its turn, which is gone with it.
    return chat === null || message === null ? null : { chat, message };
  }

  async #run(live: LiveTurn, subject: TurnSubject): Promise<void> {
    const { live: turns, logger } = this.#deps;
    try {
      const ended = await live.span.within(() => runTurn(live, subject, this.#deps));
      live.span.end(outcomeOf(live, ended));
      turns.remove(live);
      // Whoever waits for the answer first.
      await nextTurn();
      if (ended !== null) this.#tell(ended, 'turn.ended');
    } catch (error) {
      logger.error({ err: error, turnId: live.turn.id }, 'a turn broke: it will be marked interrupted');
      live.span.end({ ...outcomeOf(live, null), error: 'internal_error' });
      live.log.close();
      live.finish();
      turns.remove(live);
    }
    await this.startNext(live.turn.chatId);
  }

  #tell(turn: TurnRecord, event: 'turn.started' | 'turn.ended'): void {
    this.#deps.userEvents.publish(turn.userId, { event, data: { turn: turnView(turn) } });
    this.#deps.signals.tell(turn.id);
  }
}

/** `ended` null: it ended without us. */
function outcomeOf(live: LiveTurn, ended: TurnRecord | null): ChatOutcome {
  const { usage, model } = live;
  return {
    status: ended === null ? 'abandoned' : (ended.status as ChatOutcome['status']),
    error: ended?.error?.code ?? null,
    model: usage.length === 0 ? null : model,
    inputTokens: usage.reduce((sum, call) => sum + call.inputTokens, 0),
    outputTokens: usage.reduce((sum, call) => sum + call.outputTokens, 0),
  };
}
