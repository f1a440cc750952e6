/** Starts turns: the one just taken, the next of a chat's queue, whatever waits after a start. */
import type { MessageRecord, TurnRecord } from '../store/records.ts';
import type { OwnedChat, OwnedTurn } from '../store/store.ts';
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
}

/** Chats looked at in one go. */
const STEP = 100;

export class TurnStarter {
  readonly #deps: TurnStarterDependencies;
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
  start(turn: OwnedTurn, subject: { chat: OwnedChat; message: MessageRecord }, requestId: string | null): void {
    const { live: turns, writer } = this.#deps;
    const live = new LiveTurn(turn, subject.message, { requestId, markDirty: (dirty) => writer.note(dirty) });
    turns.add(live);
    this.#tell(turn, 'turn.started');
    if (turn.cancelRequestedAt !== null) live.stop({ status: 'cancelled' });
    void this.#run(live, subject);
  }

  /** Starts what waits in chats where nothing runs, until none is left that could start here. */
  async startWaiting(): Promise<void> {
    const tried = new Set<string>();
    for (;;) {
      const chats = await this.#deps.store.turns.chatsWithWork(STEP);
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
      if (subject !== null) this.start(turn, subject, null);
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
      const ended = await runTurn(live, subject, this.#deps);
      turns.remove(live);
      if (ended !== null) this.#tell(ended, 'turn.ended');
    } catch (error) {
      logger.error({ err: error, turnId: live.turn.id }, 'a turn broke: it will be marked interrupted');
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
