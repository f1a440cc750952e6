/**
 * A live runtime session: one run at a time, told by its events, never by `sendAndWait`, whose timeout does not stop a
 * turn and which a stale idle ends (1.0.14).
 */
import type { CopilotSession, SessionEvent } from '@github/copilot-sdk';
import { GatewayError } from '../errors.ts';
import { runtimeUnavailable, within } from './deadline.ts';
import { EventQueue } from './event-queue.ts';
import { errorOf } from './runtime-errors.ts';
import type { RuntimeHost } from './runtime-host.ts';
import type { RuntimeParts } from './runtime-parts.ts';
import type { LeaseRequest, Prompt, RuntimeEvent } from './runtime-port.ts';
import { answerOf, beginTurn, reduceEvent, type TurnState } from './session-events.ts';
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
  /** No write of the runtime reaches the store any more. */
  readonly seal: () => void;
}

interface Run {
  readonly queue: EventQueue<RuntimeEvent>;
  readonly sent: string[];
  /** `send` calls that have not come back. */
  sending: number;
  state: TurnState;
  /** We asked for the end: what follows is no failure. */
  stopped: boolean;
  finished: PromiseWithResolvers<void>;
}

export class RuntimeSession {
  readonly host: RuntimeHost;
  readonly #opened: OpenedSession;
  readonly #parts: RuntimeParts;
  #run: Run | null = null;
  #error: GatewayError | null = null;
  #wantsTitle: boolean;
  /** False while a prompt may still be worked on: then nobody may send another. */
  #idle = true;
  #closing: Promise<void> | null = null;

  constructor(opened: OpenedSession, parts: RuntimeParts) {
    this.host = opened.host;
    this.#opened = opened;
    this.#parts = parts;
    this.#wantsTitle = opened.fresh;
    opened.relay.handler = (event) => this.#take(event);
  }

  /** May serve another turn as it is. */
  get reusable(): boolean {
    return this.#idle && this.#error === null && this.#closing === null && this.host.usable;
  }

  /** See `SessionLease.run`. */
  async *run(prompt: Prompt, signal: AbortSignal): AsyncGenerator<RuntimeEvent, void, undefined> {
    if (this.#error) throw this.#error;
    if (this.#run) throw new GatewayError('turn_running', 'A turn is already running in this chat.');
    if (signal.aborted) return;
    const run = this.#begin();
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

  #begin(): Run {
    const run: Run = {
      queue: new EventQueue(),
      sent: [],
      sending: 0,
      state: beginTurn(this.#wantsTitle),
      stopped: false,
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
      const { sdk } = this.#opened;
      const attachments = blobsOf(prompt.attachments);
      const options = { prompt: prompt.text, mode, ...(attachments.length > 0 && { attachments }) };
      run.sent.push(await this.host.call('session.send', this.#parts.timings.send, () => sdk.send(options)));
    } catch (error) {
      if (mode === 'immediate' || !(error instanceof GatewayError)) this.#error ??= asUnavailable(error);
      throw asUnavailable(error);
    } finally {
      run.sending -= 1;
      this.#settle(run);
    }
  }

  #take(event: SessionEvent): void {
    const run = this.#run;
    if (!run) return;
    const { state, out } = reduceEvent(run.state, event);
    run.state = state;
    for (const ours of out) {
      if (ours.type === 'usage') this.#checkModel(ours.usage.model);
      run.queue.push(ours);
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
    const error = run.stopped ? null : this.#verdict(state);
    if (error) run.queue.fail(error);
    else run.queue.end();
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

  /** Stops the model call; the sequence ends when the runtime is idle, at the latest after the deadline. */
  async #stop(run: Run): Promise<void> {
    if (run.stopped) return;
    run.stopped = true;
    const { abort } = this.#parts.timings;
    try {
      await within(Promise.all([this.#opened.sdk.abort(), run.finished.promise]), {
        what: 'abort of a turn',
        ms: abort,
        signals: [this.host.gone],
      });
    } catch (error) {
      this.#parts.logger.warn({ runtime: this.host.name, err: error }, 'a turn did not stop in time');
      this.#error ??= runtimeUnavailable(error);
      void this.host.probe();
    }
    run.queue.end();
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

function asUnavailable(error: unknown): GatewayError {
  return error instanceof GatewayError ? error : runtimeUnavailable(error);
}
