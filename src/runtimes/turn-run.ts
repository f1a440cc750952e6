/**
 * One run of a turn: what was sent, what the runtime told since, when it is over and how. It calls nobody.
 */
import type { SessionEvent } from '@github/copilot-sdk';
import { GatewayError } from '../errors.ts';
import { EventQueue } from './event-queue.ts';
import { givesUp } from './retry-policy.ts';
import { errorOf } from './runtime-errors.ts';
import type { RuntimeCredential, RuntimeEvent } from './runtime-port.ts';
import { answerOf, beginTurn, endTurn, reduceEvent, type TurnState } from './session-events.ts';
import { runtimeUnavailable } from './unavailable.ts';

const EMPTY_ANSWER = { type: null, status: null, code: null, message: 'an empty answer', retryAfter: null };

export class TurnRun {
  readonly queue = new EventQueue<RuntimeEvent>();
  /** We asked for its end: whoever did says how it ends. */
  stopped = false;
  /** The runtime is idle, and everything sent was taken up. */
  readonly settled: Promise<void>;
  /** The runtime could not save what was said. */
  unsaved = false;
  readonly #prompt: string;
  readonly #credential: RuntimeCredential['kind'];
  readonly #settle = Promise.withResolvers<void>();
  readonly #sent: string[] = [];
  #sending = 0;
  #state: TurnState;
  #limited = { attempts: 0, since: 0 };
  #isSettled = false;

  constructor(prompt: string, wantsTitle: boolean, credential: RuntimeCredential['kind']) {
    this.#prompt = prompt;
    this.#credential = credential;
    this.#state = beginTurn(wantsTitle);
    this.settled = this.#settle.promise;
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Calls `send`; while it is under way an idle runtime does not end the run. @throws what `send` throws */
  async sending(send: () => Promise<string>): Promise<void> {
    this.#sending += 1;
    try {
      this.#sent.push(await send());
    } finally {
      this.#sending -= 1;
      this.#look();
    }
  }

  /** Takes an event of the session. Returns what became of it in our words. */
  take(event: SessionEvent): readonly RuntimeEvent[] {
    const { state, out } = reduceEvent(this.#state, event);
    this.#state = state;
    for (const ours of out) this.queue.push(ours);
    if (event.type === 'session.shutdown') this.queue.fail(runtimeUnavailable('the runtime session was shut down'));
    else if (state.idle) this.#look();
    return out;
  }

  /** Why to end it now instead of waiting for the runtime's own retries of a rate limit; null: go on. */
  impatience(now: number): GatewayError | null {
    const { attempt } = this.#state;
    if (attempt?.status !== 429 || this.stopped) return null;
    const { attempts, since } = this.#limited;
    this.#limited = { attempts: attempts + 1, since: attempts === 0 ? now : since };
    const seen = { attempts: this.#limited.attempts, elapsedMs: now - this.#limited.since };
    return givesUp(seen) ? errorOf(attempt, this.#credential) : null;
  }

  /**
   * It is over once the runtime is idle and has taken up every prompt of ours: a prompt that crossed the idle on its way
   * begins another turn, which belongs to this run.
   */
  #look(): void {
    const state = this.#state;
    if (!state.idle || this.#sending > 0 || this.#isSettled) return;
    const allTaken = this.#sent.length > 0 && this.#sent.every((id) => state.taken.includes(id));
    if (!allTaken && !state.failure && !state.aborted) return;
    this.#isSettled = true;
    this.unsaved = state.failure?.type === 'persistence';
    this.#settle.resolve();
    if (!this.stopped) this.#end(state);
  }

  #end(state: TurnState): void {
    const error = this.#verdict(state);
    if (error) {
      this.queue.fail(error);
      return;
    }
    for (const last of endTurn(state, this.#prompt)) this.queue.push(last);
    this.queue.end();
  }

  #verdict(state: TurnState): GatewayError | null {
    if (state.failure) return errorOf(state.failure, this.#credential);
    if (state.aborted) return runtimeUnavailable('the turn was aborted in the runtime, not by us');
    if (answerOf(state) !== '') return null;
    if (state.filtered) return new GatewayError('content_filtered', 'The answer was withheld by a content filter.');
    return errorOf(state.attempt ?? EMPTY_ANSWER, this.#credential);
  }
}
