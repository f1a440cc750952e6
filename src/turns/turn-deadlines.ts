/**
 * The four clocks of a turn. The runtime's own retries and timeouts reach 600 s and more, so these are ours: whichever ends
 * first stops the turn with its own code.
 */
import { type ErrorCode, GatewayError } from '../errors.ts';

/** Milliseconds each. */
export interface TurnDeadlineLimits {
  /** From the start until the runtime has the prompt. */
  startMs: number;
  /** From there until anything is said. */
  firstTokenMs: number;
  /** Between two signs of life after that. */
  silenceMs: number;
  /** The whole turn. */
  totalMs: number;
}

type Phase = 'start' | 'first' | 'speaking';

const PHASES: Record<Phase, { limit: keyof TurnDeadlineLimits; code: ErrorCode; sentence: string }> = {
  start: {
    limit: 'startMs',
    code: 'turn_start_timeout',
    sentence: 'The Copilot runtime did not take the message within',
  },
  first: { limit: 'firstTokenMs', code: 'first_token_timeout', sentence: 'The model did not begin to answer within' },
  speaking: { limit: 'silenceMs', code: 'silence_timeout', sentence: 'The model said nothing for' },
};

/** Watches one turn; `expire` is called at most once. End it with {@link stop}. */
export class TurnDeadlines {
  readonly #limits: TurnDeadlineLimits;
  readonly #expire: (error: GatewayError) => void;
  readonly #total: NodeJS.Timeout;
  #phase: Phase = 'start';
  #current: NodeJS.Timeout;

  constructor(limits: TurnDeadlineLimits, expire: (error: GatewayError) => void) {
    this.#limits = limits;
    this.#expire = expire;
    this.#total = setTimeout(
      () => this.#end('turn_timeout', 'The turn was not done within', limits.totalMs),
      limits.totalMs,
    );
    this.#current = this.#arm();
  }

  /** The runtime has the prompt. */
  accepted(): void {
    if (this.#phase === 'start') this.#enter('first');
  }

  /** Something was said, or a tool works: the turn lives. Costs one timer refresh, whatever the length of the answer. */
  alive(): void {
    if (this.#phase === 'speaking') this.#current.refresh();
    else this.#enter('speaking');
  }

  stop(): void {
    clearTimeout(this.#total);
    clearTimeout(this.#current);
  }

  #enter(phase: Phase): void {
    clearTimeout(this.#current);
    this.#phase = phase;
    this.#current = this.#arm();
  }

  #arm(): NodeJS.Timeout {
    const { limit, code, sentence } = PHASES[this.#phase];
    return setTimeout(() => this.#end(code, sentence, this.#limits[limit]), this.#limits[limit]);
  }

  #end(code: ErrorCode, sentence: string, milliseconds: number): void {
    this.stop();
    this.#expire(
      new GatewayError(code, `${sentence} ${Math.round(milliseconds / 1000)} s. What was said so far is kept.`),
    );
  }
}
