/**
 * A live runtime session: one run at a time, told by its events, never by `sendAndWait`, whose timeout does not stop a
 * turn and which a stale idle ends (1.0.14).
 */
import type { CopilotSession, SessionEvent } from '@github/copilot-sdk';
import { GatewayError } from '../errors.ts';
import { within } from './deadline.ts';
import { isSessionMissing } from './runtime-errors.ts';
import type { RuntimeHost } from './runtime-host.ts';
import type { RuntimeParts } from './runtime-parts.ts';
import type { LeaseRequest, Prompt, RuntimeEvent } from './runtime-port.ts';
import { blobsOf } from './session-history.ts';
import { TurnRun } from './turn-run.ts';
import { runtimeUnavailable } from './unavailable.ts';

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

/**
 * The runtime has dropped the session behind our back, or died before it had the prompt. The session can be opened anew
 * and given the prompt again.
 */
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
  #run: TurnRun | null = null;
  /** Events of this run and of the one before, by id. */
  #heard = new Set<string>();
  #heardBefore = new Set<string>();
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
    return !this.inDoubt && this.#closing === null && this.host.usable;
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
    const { gone } = this.host;
    const run = this.#begin(prompt);
    const onGone = (): void => run.queue.fail(gone.reason);
    const onAbort = (): void => void this.#stop(run);
    gone.addEventListener('abort', onGone, { once: true });
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await this.#send(run, prompt, 'enqueue');
      if (!run.stopped) yield { type: 'accepted' };
      yield* run.queue;
    } finally {
      gone.removeEventListener('abort', onGone);
      signal.removeEventListener('abort', onAbort);
      if (!run.isSettled && this.#error === null && !gone.aborted) await this.#stop(run); // the reader left early
      this.#finish(run);
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

  /**
   * Where we read slower than the runtime speaks, it delivers some events a second time, out of order, even after the end
   * of their turn (native 1.0.85: 160 of 20,000 deltas).
   */
  #isRepeated({ id }: SessionEvent): boolean {
    if (this.#heard.has(id) || this.#heardBefore.has(id)) return true;
    this.#heard.add(id);
    return false;
  }

  #begin(prompt: Prompt): TurnRun {
    this.#heardBefore = this.#heard;
    this.#heard = new Set();
    const run = new TurnRun(prompt.text, this.#wantsTitle, this.#opened.request.user.credential.kind);
    this.#wantsTitle = false;
    this.#idle = false;
    this.#run = run;
    return run;
  }

  #finish(run: TurnRun): void {
    this.#run = null;
    this.#idle ||= run.isSettled;
    if (run.unsaved) this.#error ??= new GatewayError('store_unavailable', 'The chat could not be saved.');
  }

  async #send(run: TurnRun, prompt: Prompt, mode: 'enqueue' | 'immediate'): Promise<void> {
    const { send } = this.#parts.timings;
    try {
      await run.sending(() => this.host.call('session.send', send, () => this.#deliver(prompt, mode)));
    } catch (error) {
      this.#error ??= asUnavailable(error);
      const gone = isSessionMissing(error) || error === this.host.gone.reason;
      throw gone && mode === 'enqueue' ? new SessionGoneError(error) : asUnavailable(error);
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
    this.host.lastHeardAt = this.#parts.clock();
    const run = this.#run;
    if (!run || this.#isRepeated(event)) return;
    for (const ours of run.take(event)) {
      if (ours.type === 'usage') this.#checkModel(ours.usage.model);
      const error = ours.type === 'retrying' ? run.impatience(this.#parts.clock()) : null;
      if (error) void this.#stop(run, error);
    }
  }

  /** Stops the model call; the sequence ends (with `error`) when the runtime is idle, at the latest after the deadline. */
  async #stop(run: TurnRun, error: GatewayError | null = null): Promise<void> {
    if (run.stopped) return;
    run.stopped = true;
    const limit = { what: 'abort of a turn', ms: this.#parts.timings.abort, signals: [this.host.gone] };
    try {
      await within(Promise.all([this.#opened.sdk.abort(), run.settled]), limit);
    } catch (late) {
      this.#parts.logger.warn({ runtime: this.host.name, err: late }, 'a turn did not stop in time');
      this.#error ??= runtimeUnavailable(late);
      void this.host.probe();
    }
    if (error) run.queue.fail(error);
    else run.queue.end();
  }

  #checkModel(used: string | null): void {
    const asked = this.#opened.request.model;
    if (asked === null || used === null || used === asked) return;
    // An unknown model is replaced without a word (native 1.0.85).
    this.#parts.logger.warn({ runtime: this.host.name, asked, used }, 'the runtime used another model than asked for');
  }

  async #close(): Promise<void> {
    const { sdk, relay, seal } = this.#opened;
    const { close } = this.#parts.timings;
    try {
      if (!this.host.gone.aborted) await this.host.call('session close', close, () => sdk.disconnect());
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
