/**
 * Runs completions: a runtime session of their own that holds exactly what the request says, and is gone afterwards. Unlike
 * a turn, a completion belongs to its connection: who asked has the only copy of the conversation.
 */
import type { Logger } from 'pino';
import { GatewayError } from '../errors.ts';
import type { RuntimeEvent, Runtimes, RuntimeUser, SessionLease } from '../runtimes/runtime-port.ts';
import { type ChatSpan, NO_TRACING, type RequestTrace } from '../tracing/tracing.ts';
import type { CredentialSource } from '../turns/credential-source.ts';
import { type TurnDeadlineLimits, TurnDeadlines } from '../turns/turn-deadlines.ts';
import { newId } from '../wire/ids.ts';
import { AnswerRelay } from './answer-relay.ts';
import type { CompletionEnd } from './completion-chunks.ts';
import { CompletionLedger, type CompletionLedgerDeps } from './completion-ledger.ts';
import { CompletionLoad, type CompletionLoadDeps } from './completion-load.ts';
import type { Conversation } from './message-translation.ts';
import type { FinishReason } from './openai-shapes.ts';

/** What completions lean on. */
export interface CompletionDependencies extends CompletionLedgerDeps, CompletionLoadDeps {
  readonly runtimes: Runtimes;
  readonly credentials: CredentialSource;
  readonly limits: TurnDeadlineLimits;
  /** What the model is told where the request has no system message. */
  readonly systemMessage: string;
  readonly logger: Logger;
  readonly clock: () => number;
}

/** A checked request. */
export interface CompletionPlan extends Conversation {
  readonly userId: string;
  readonly model: string;
  readonly stop: readonly string[];
  readonly maxTokens: number | null;
  /** Absent or null: nothing of the request is traced. */
  readonly trace?: RequestTrace | null;
}

/** The answer, and how it ended. */
export interface CompletionOutcome extends CompletionEnd {
  readonly text: string;
  /** The model that answered. */
  readonly model: string;
}

/** Where the answer goes while it is written; null: nowhere, it is wanted in one piece. */
export type TextSink = ((text: string) => void) | null;

/**
 * No sign that the model speaks: a title is made of the prompt, and during the runtime's own retries the clock of the first
 * token goes on.
 */
const SILENT: ReadonlySet<RuntimeEvent['type']> = new Set(['title', 'retrying']);

/** How long a runtime may take to forget a session, in milliseconds. */
const FORGET_MS = 10_000;

/** Runs completions, and ends them when the gateway does. */
export class Completions {
  readonly #deps: CompletionDependencies;
  readonly #load: CompletionLoad;

  constructor(deps: CompletionDependencies) {
    this.#deps = deps;
    this.#load = new CompletionLoad(deps);
  }

  /**
   * Runs `plan` to its end. `ended` stops it: its reason is what the caller hears.
   * @throws GatewayError of the runtime, of a deadline, `too_many_turns`, `quota_exceeded`, `shutting_down`, or the reason of `ended`
   */
  async run(plan: CompletionPlan, sink: TextSink, ended: AbortSignal): Promise<CompletionOutcome> {
    const place = await this.#load.enter(plan.userId);
    try {
      return await new CompletionRun(this.#deps, plan, sink, place.abort).run(ended, place.later);
    } finally {
      place.leave();
    }
  }

  /** Lets what runs end for up to `graceMs`, then ends it. New ones are refused from now on. */
  async drain(graceMs: number): Promise<void> {
    await this.#load.drain(graceMs);
  }
}

class CompletionRun {
  readonly #deps: CompletionDependencies;
  readonly #plan: CompletionPlan;
  readonly #sink: TextSink;
  readonly #abort: AbortController;
  readonly #relay: AnswerRelay;
  readonly #ledger: CompletionLedger;
  readonly #span: ChatSpan;
  readonly #id = newId();

  constructor(deps: CompletionDependencies, plan: CompletionPlan, sink: TextSink, abort: AbortController) {
    this.#deps = deps;
    this.#plan = plan;
    this.#sink = sink;
    this.#abort = abort;
    this.#ledger = new CompletionLedger(deps, plan);
    this.#span = plan.trace?.begin(plan.model) ?? NO_TRACING.beginTurn(this.#id, plan.model);
    this.#relay = new AnswerRelay({ stop: plan.stop, maxTokens: plan.maxTokens, revocable: sink === null });
  }

  /** `later` takes what is still to be done when the answer is there. */
  async run(ended: AbortSignal, later: (work: Promise<void>) => void): Promise<CompletionOutcome> {
    try {
      const outcome = await this.#span.within(() => this.#run(ended, later));
      this.#endSpan('completed', null);
      return outcome;
    } catch (error) {
      const { code } = error as GatewayError;
      this.#endSpan(code === 'cancelled' ? 'cancelled' : 'failed', code);
      throw error;
    }
  }

  #endSpan(status: 'completed' | 'cancelled' | 'failed', error: string | null): void {
    const { usage, model } = this.#ledger;
    this.#span.end({
      status,
      error: status === 'cancelled' ? null : error,
      model: usage === null ? null : model,
      inputTokens: usage?.prompt_tokens ?? 0,
      outputTokens: usage?.completion_tokens ?? 0,
    });
  }

  async #run(ended: AbortSignal, later: (work: Promise<void>) => void): Promise<CompletionOutcome> {
    const stop = (): void => this.#abort.abort(ended.reason);
    if (ended.aborted) stop();
    else ended.addEventListener('abort', stop, { once: true });
    const deadlines = new TurnDeadlines(this.#deps.limits, (error) => this.#abort.abort(deadlineError(error)));
    let user: RuntimeUser | null = null;
    try {
      user = await this.#deps.credentials.runtimeUser(this.#plan.userId, this.#abort.signal);
      const filtered = await this.#converse(user, deadlines, later);
      return this.#outcome(filtered);
    } catch (error) {
      throw await this.#explain(error, user);
    } finally {
      deadlines.stop();
      ended.removeEventListener('abort', stop);
      await this.#ledger.close();
    }
  }

  /** @returns whether the answer was withheld by a content filter */
  async #converse(user: RuntimeUser, deadlines: TurnDeadlines, later: (work: Promise<void>) => void): Promise<boolean> {
    const { signal } = this.#abort;
    const lease = await this.#deps.runtimes.lease(this.#leaseRequest(user), signal);
    this.#span.leased(lease.cold);
    const enough = new AbortController();
    try {
      for await (const event of lease.run(this.#plan.prompt, AbortSignal.any([signal, enough.signal]))) {
        this.#hear(event, deadlines);
        if (this.#relay.cut !== null) enough.abort();
      }
      signal.throwIfAborted();
      this.#say(this.#relay.end());
      return false;
    } catch (error) {
      if (error instanceof GatewayError && error.code === 'content_filtered' && !signal.aborted) return true;
      throw error;
    } finally {
      later(this.#forget(lease, user));
    }
  }

  #hear(event: RuntimeEvent, deadlines: TurnDeadlines): void {
    if (event.type === 'accepted') deadlines.accepted();
    else if (!SILENT.has(event.type)) deadlines.alive();
    if (event.type === 'text') {
      if (!this.#ledger.hasSpoken) this.#span.firstToken();
      this.#ledger.spoken();
      this.#say(this.#relay.add(event.text));
    }
    if (event.type === 'reset') this.#relay.reset();
    if (event.type === 'usage') this.#ledger.add(event.usage);
  }

  #say(text: string): void {
    if (text !== '') this.#sink?.(text);
  }

  #leaseRequest(user: RuntimeUser) {
    const { userId, model, systemMessage, history } = this.#plan;
    return {
      user,
      chatId: this.#id,
      sessionId: `user-${userId}-${this.#id}`,
      model,
      systemMessage: systemMessage ?? this.#deps.systemMessage,
      contextVersion: 0,
      history: async () => history,
    };
  }

  #outcome(filtered: boolean): CompletionOutcome {
    const finishReason: FinishReason = filtered ? 'content_filter' : (this.#relay.cut ?? 'stop');
    return {
      text: this.#relay.text,
      model: this.#ledger.model,
      finishReason,
      usage: this.#ledger.usage,
    };
  }

  /** Whatever went wrong, as the caller is to hear it. */
  async #explain(error: unknown, user: RuntimeUser | null): Promise<GatewayError> {
    const cause: unknown = this.#abort.signal.aborted ? this.#abort.signal.reason : error;
    if (!(cause instanceof GatewayError)) {
      this.#deps.logger.error({ err: cause }, 'a completion failed for a reason that has no code');
      return new GatewayError('internal_error', 'The completion failed on our side. Try again.', { cause });
    }
    if (cause.code === 'reauth_required' && user !== null) {
      await this.#deps.credentials.rejected(user).catch((failure: unknown) => {
        this.#deps.logger.warn({ err: failure }, 'a rejected credential could not be marked');
      });
    }
    return cause;
  }

  /** Removes the session before its lease ends, so that a late write of the runtime cannot bring it back. */
  async #forget(lease: SessionLease, user: RuntimeUser): Promise<void> {
    const { runtimes, logger } = this.#deps;
    const { sessionId } = this.#leaseRequest(user);
    try {
      await runtimes.deleteSession(user, sessionId, AbortSignal.timeout(FORGET_MS));
    } catch (error) {
      logger.warn({ err: error }, 'the session of a completion is left to the clean-up');
    } finally {
      lease.release({ keepWarm: false });
    }
  }
}

/** A turn's deadline says that its text is kept; a completion's is not. */
function deadlineError({ code }: GatewayError): GatewayError {
  return new GatewayError(code, 'The model took too long: the gateway ended the completion. Ask again.');
}
