/** The turns of one chat that are being answered, and how those ended that were. */
import { apiErrorOf } from '../api/api-error.ts';
import type { GatewayApi } from '../api/gateway-api.ts';
import type { MessageView, TurnView } from '../api/shapes.ts';
import { LiveAnswer } from './live-answer.ts';
import { followTurn, type OpenedStream } from './turn-follower.ts';
import { isActive } from './turn-state.ts';

/** What is told of them. */
export interface LiveAnswersEvents {
  onChange(): void;
  onStarted(turn: TurnView): void;
  onTitle(title: string): void;
  onEnded(turn: TurnView, message: MessageView | null): void;
  /** It cannot be followed any more: what became of it stands in the history. */
  onLost(): void;
}

/** Turns without an answer that are asked about. Older ones ended long ago, and nobody scrolls there to learn why. */
const ASKED_ABOUT = 5;

export class LiveAnswers {
  readonly live = new Map<string, LiveAnswer>();
  /** How turns ended. */
  readonly ends = new Map<string, TurnView>();
  /** What was thought before an answer; the history does not keep it. */
  readonly thoughts = new Map<string, string>();
  readonly #api: Pick<GatewayApi, 'turn' | 'turnEvents' | 'cancelTurn'>;
  readonly #events: LiveAnswersEvents;

  constructor(api: Pick<GatewayApi, 'turn' | 'turnEvents' | 'cancelTurn'>, events: LiveAnswersEvents) {
    this.#api = api;
    this.#events = events;
  }

  /** The newest; null: nothing is being answered. */
  get newest(): LiveAnswer | null {
    return [...this.live.values()].at(-1) ?? null;
  }

  knows(turnId: string): boolean {
    return this.live.has(turnId) || this.ends.has(turnId);
  }

  /** From now on it is shown as being answered. */
  add(turnId: string): LiveAnswer {
    const live = new LiveAnswer(turnId);
    this.live.set(turnId, live);
    return live;
  }

  /** Goes on where following stopped. */
  resume(signal: AbortSignal): void {
    for (const live of this.live.values()) void this.follow(live, null, signal);
  }

  /** Asks how turns stand that have no whole answer, and follows those that go on. @param turnIds newest first */
  async explain(turnIds: readonly string[], signal: AbortSignal): Promise<void> {
    const unknown = turnIds.slice(0, ASKED_ABOUT).filter((turnId) => !this.knows(turnId));
    await Promise.all(
      unknown.map(async (turnId) => {
        const turn = await this.#api.turn(turnId, signal).catch(nullIfMissing);
        // Messages that were forked or imported have no turn.
        if (turn === null || this.live.has(turnId)) return;
        if (!isActive(turn)) this.ends.set(turnId, turn);
        else void this.follow(this.add(turnId), null, signal);
      }),
    );
    if (unknown.length > 0) this.#events.onChange();
  }

  /** Stops one. @throws ApiError; it goes on then */
  async stop(live: LiveAnswer): Promise<void> {
    live.markStopping(true);
    this.#events.onChange();
    try {
      await this.#api.cancelTurn(live.turnId);
    } catch (error) {
      live.markStopping(false);
      this.#events.onChange();
      throw error;
    }
  }

  async follow(live: LiveAnswer, first: OpenedStream | null, signal: AbortSignal): Promise<void> {
    try {
      const onFrame = (event: string) => this.#heard(live, event);
      const ended = await followTurn(live, { api: this.#api, first, signal, onFrame });
      // The end was told before, to a connection that broke at that moment.
      if (!ended && !signal.aborted) this.#lose(live);
    } catch {
      // Signed out or the chat is gone: both are told elsewhere. What is stored will be shown.
      this.#lose(live);
    }
  }

  #lose(live: LiveAnswer): void {
    this.live.delete(live.turnId);
    this.#events.onLost();
  }

  #heard(live: LiveAnswer, event: string): void {
    const { turn, title, message, reasoning } = live.state;
    if (event === 'turn.started' && turn !== null) this.#events.onStarted(turn);
    if (event === 'chat.updated' && title !== null) this.#events.onTitle(title);
    if (live.state.phase !== 'ended' || turn === null) return;
    if (reasoning !== '') this.thoughts.set(turn.id, reasoning);
    this.ends.set(turn.id, turn);
    this.live.delete(turn.id);
    this.#events.onEnded(turn, message);
  }
}

function nullIfMissing(error: unknown): null {
  if (apiErrorOf(error)?.status === 404) return null;
  throw error;
}
