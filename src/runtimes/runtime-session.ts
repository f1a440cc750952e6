/**
 * A live runtime session: one run at a time, told by its events, never by `sendAndWait`, whose timeout does not stop a
 * turn and which a stale idle ends (1.0.14).
 */
import type { CopilotSession, SessionEvent } from '@github/copilot-sdk';
import { GatewayError } from '../errors.ts';
import { runtimeUnavailable, within } from './deadline.ts';
import { EventQueue } from './event-queue.ts';
import { givesUp } from './retry-policy.ts';
import { errorOf, isSessionMissing } from './runtime-errors.ts';
import type { RuntimeHost } from './runtime-host.ts';
import type { RuntimeParts } from './runtime-parts.ts';
import type { LeaseRequest, Prompt, RuntimeEvent } from './runtime-port.ts';
import { answerOf, beginTurn, endTurn, reduceEvent, type TurnState } from './session-events.ts';
import { blobsOf } from './session-history.ts';

/** Where the SDK's events go: the session's object exists only after its first ones came. */
export interface EventRelay {
  handler: ((event: SessionEvent) => void) | null;
}

/** What an opened session is made of. */
export interface OpenedSession {
  readonly sdk: CopilotSession;
  readonly host: RuntimeHost;
  readonly relay: EventRelay;
  readonly request: LeaseRequest;
  /** Nothing was said in it before: its first prompt makes a title. */
  readonly fresh: boolean;
  /** What the runtime must be told ahead of the first prompt; null: it knows all. */
  readonly preamble: Prompt | null;
  /** No write of the runtime reaches the store any more. */
  readonly seal: () => void;
}

interface Run {
  readonly queue: EventQueue<RuntimeEvent>;
  readonly prompt: string;
  readonly sent: string[];
  /** `send` calls that have not come back. */
  sending: number;
  state: TurnState;
  /** We asked for the end: what follows is no failure. */
  stopped: boolean;
  /** Attempts the upstream refused with 429, and when the first of them was. */
  limited: number;
  limitedSince: number;
  readonly finished: PromiseWithResolvers<void>;
}

/** The runtime has dropped the session behind our back; nothing was sent. It can be opened anew and used. */
export class SessionGoneError extends Error {
  constructor(cause: unknown) {
    super('The runtime no longer has the session', { cause });
    this.name = 'SessionGoneError';
  }
}

export class RuntimeSession {
  readonly host: RuntimeHost;
  readonly #opened: OpenedSession;
  readonly #parts: RuntimeParts;
  #run: Run | null = null;
  #error: GatewayError | null = null;
  #wantsTitle: boolean;
  #preamble: Prompt | null;
  /** False while a prompt may still be worked on: then nobody may send another. */
  #idle = true;
  #closing: Promise<void> | null = null;

  constructor(opened: OpenedSession, parts: RuntimeParts) {
    this.host = opened.host;
    this.#opened = opened;
    this.#parts = parts;
    this.#wantsTitle = opened.fresh;
    this.#preamble = opened.preamble;
    opened.relay.handler = (event) => this.#take(event);
  }

  /** May serve another turn as it is. */
  get reusable(): boolean {
    return this.#idle && this.#error === null && this.#closing === null && this.host.usable;
  }

  /** Its last run ended otherwise than in order: what the runtime kept of it may not be what we have. */
  get inDoubt(): boolean {
    return !this.#idle || this.#error !== null;
  }

  /** See `SessionLease.run`. */
  async *run(prompt: Prompt, signal: AbortSignal): AsyncGenerator<RuntimeEvent, void, undefined> {
    if (this.#error) throw this.#error;
    if (this.#run) throw new GatewayError('turn_running', 'A turn is already running in this chat.');
    if (signal.aborted) return;
    const run = this.#begin(prompt);
    const onGone = (): void => run.queue.fail(this.host.gone.reason);
    const onAbort = (): void => void this.#stop(run);
    this.host.gone.addEventListener('abort', onGone, { once: true });
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      if (this.host.gone.aborted) throw this.host.gone.reason;
      await this.#send(run, prompt, 'enqueue');
      if (!run.stopped) yield { type: 'accepted' };
      yield* run.queue;
    } finally {
      this.host.gone.removeEventListener('abort', onGone);
      signal.removeEventListener('abort', onAbort);
      if (!this.#idle && !run.stopped) await this.#stop(run); // the reader left early
      this.#run = null;
    }
  }

  /** See `SessionLease.steer`. */
  async steer(prompt: Prompt): Promise<void> {
    const run = this.#run;
    if (!run || run.queue.closed || run.stopped) {
      throw new GatewayError('conflict', 'No turn is running in this chat any more.');
    }
    await this.#send(run, prompt, 'immediate');
    if (this.#error) throw this.#error;
  }

  /** Ends a run under way with `error` and makes the session useless. */
  fail(error: GatewayError): void {
    this.#error = error;
    this.#run?.queue.fail(error);
  }

  /** Leaves the runtime; what was said stays saved. Never throws. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #begin(prompt: Prompt): Run {
    const run: Run = {
      queue: new EventQueue(),
      prompt: prompt.text,
      sent: [],
      sending: 0,
      state: beginTurn(this.#wantsTitle),
      stopped: false,
      limited: 0,
      limitedSince: 0,
      finished: Promise.withResolvers(),
    };
    this.#wantsTitle = false;
    this.#idle = false;
    this.#run = run;
    return run;
  }

  async #send(run: Run, prompt: Prompt, mode: 'enqueue' | 'immediate'): Promise<void> {
    run.sending += 1;
    try {
      run.sent.push(await this.host.call('session.send', this.#parts.timings.send, () => this.#deliver(prompt, mode)));
    } catch (error) {
      const failure = isSessionMissing(error) ? new SessionGoneError(error) : asUnavailable(error);
      this.#error ??= asUnavailable(error);
      this.#idle ||= failure instanceof SessionGoneError;
      throw failure;
    } finally {
      run.sending -= 1;
      this.#settle(run);
    }
  }

  /** @returns the id under which the runtime tells about this prompt */
  async #deliver(prompt: Prompt, mode: 'enqueue' | 'immediate'): Promise<string> {
    const { sdk } = this.#opened;
    if (this.#preamble === null) return sdk.send({ ...messageOf(prompt), mode });
    const messages = [this.#preamble, prompt].map(messageOf);
    const { messageIds } = await sdk.rpc.sendMessages({ messages, mode });
    this.#preamble = null;
    const last = messageIds.at(-1);
    if (last === undefined) throw new Error('The runtime named no message');
    return last;
  }

  #take(event: SessionEvent): void {
    const run = this.#run;
    if (!run) return;
    const { state, out } = reduceEvent(run.state, event);
    run.state = state;
    for (const ours of out) {
      run.queue.push(ours);
      if (ours.type === 'usage') this.#checkModel(ours.usage.model);
      if (ours.type === 'retrying' && ours.status === 429) this.#checkPatience(run);
    }
    if (event.type === 'session.shutdown') run.queue.fail(runtimeUnavailable('the runtime session was shut down'));
    else if (state.idle) this.#settle(run);
  }

  /**
   * The run is over once the runtime is idle and has taken up every prompt of ours: a prompt that crossed the idle on its
   * way begins another turn, which belongs to this run.
   */
  #settle(run: Run): void {
    const { state } = run;
    if (!state.idle || run.sending > 0 || this.#run !== run) return;
    const allTaken = run.sent.length > 0 && run.sent.every((id) => state.taken.includes(id));
    if (!allTaken && !state.failure && !state.aborted) return;
    this.#idle = true;
    run.finished.resolve();
    if (run.stopped) return; // whoever stopped it says how it ends
    const error = this.#verdict(state);
    if (error) return run.queue.fail(error);
    for (const last of endTurn(state, run.prompt)) run.queue.push(last);
    run.queue.end();
  }

  #verdict(state: TurnState): GatewayError | null {
    const { credential } = this.#opened.request.user;
    if (state.failure?.type === 'persistence') this.#error = errorOf(state.failure, credential.kind);
    if (state.failure) return errorOf(state.failure, credential.kind);
    if (state.aborted) return runtimeUnavailable('the turn was aborted in the runtime, not by us');
    if (answerOf(state) !== '') return null;
    if (state.filtered) return new GatewayError('content_filtered', 'The answer was withheld by a content filter.');
    return errorOf(
      state.attempt ?? { type: null, status: null, code: null, message: 'an empty answer' },
      credential.kind,
    );
  }

  /** Stops the model call; the sequence ends (with `error`) when the runtime is idle, at the latest after the deadline. */
  async #stop(run: Run, error: GatewayError | null = null): Promise<void> {
    if (run.stopped) return;
    run.stopped = true;
    const { abort } = this.#parts.timings;
    try {
      await within(Promise.all([this.#opened.sdk.abort(), run.finished.promise]), {
        what: 'abort of a turn',
        ms: abort,
        signals: [this.host.gone],
      });
    } catch (late) {
      this.#parts.logger.warn({ runtime: this.host.name, err: late }, 'a turn did not stop in time');
      this.#error ??= runtimeUnavailable(late);
      void this.host.probe();
    }
    if (error) run.queue.fail(error);
    else run.queue.end();
  }

  /** The runtime would go on trying for up to a minute what the upstream has refused several times. */
  #checkPatience(run: Run): void {
    const now = this.#parts.clock();
    if (run.limited === 0) run.limitedSince = now;
    run.limited += 1;
    if (!givesUp({ attempts: run.limited, elapsedMs: now - run.limitedSince }) || run.stopped) return;
    const { attempt } = run.state;
    void this.#stop(run, attempt && errorOf(attempt, this.#opened.request.user.credential.kind));
  }

  #checkModel(used: string | null): void {
    const asked = this.#opened.request.model;
    if (asked === null || used === null || used === asked) return;
    // An unknown model is replaced without a word (native 1.0.85).
    this.#parts.logger.warn({ runtime: this.host.name, asked, used }, 'the runtime used another model than asked for');
  }

  async #close(): Promise<void> {
    const { sdk, relay, seal } = this.#opened;
    try {
      if (!this.host.gone.aborted)
        await this.host.call('session close', this.#parts.timings.close, () => sdk.disconnect());
    } catch (error) {
      this.#parts.logger.debug({ runtime: this.host.name, err: error }, 'a session did not close in order');
    }
    seal();
    relay.handler = null;
  }
}

function messageOf(prompt: Prompt) {
  const attachments = blobsOf(prompt.attachments);
  return { prompt: prompt.text, ...(attachments.length > 0 && { attachments }) };
}

function asUnavailable(error: unknown): GatewayError {
  return error instanceof GatewayError ? error : runtimeUnavailable(error);
}
