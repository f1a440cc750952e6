/** One turn while this instance runs it: its log, what was said, who joined, and the one way to stop it. */
import type { GatewayError } from '../errors.ts';
import type { Prompt, SessionLease } from '../runtimes/runtime-port.ts';
import type { MessageRecord, TurnFrame, UsageRecord } from '../store/records.ts';
import type { OwnedTurn } from '../store/store.ts';
import { type ChatSpan, NO_TRACING } from '../tracing/tracing.ts';
import type { TurnEvent } from './turn-events.ts';
import { TurnLog } from './turn-log.ts';

/** Why a turn is stopped before the runtime is done. */
export type StopReason =
  | { readonly status: 'cancelled' }
  | { readonly status: 'interrupted' | 'failed'; readonly error: GatewayError }
  /** Another instance took the turn over: nothing more may be written. */
  | { readonly status: 'fenced' };

/** What a turn came to. `message` null: it was stopped before anything was said. */
export interface TurnAnswer {
  readonly turn: OwnedTurn;
  readonly message: MessageRecord | null;
}

export class LiveTurn {
  readonly turn: OwnedTurn;
  readonly log: TurnLog;
  /** Of the request that asked for it, so that a failure can be found in the log; null when nobody's request started it. */
  readonly requestId: string | null;
  readonly span: ChatSpan;
  readonly usage: UsageRecord[] = [];
  /** Settles when the turn is over and stored, or was given up. */
  readonly done: Promise<void>;
  /** The batch being stored, if any: the end waits for it. */
  writing: Promise<unknown> | null = null;
  /** From here on no message can join any more. */
  ending = false;
  model: string | null;
  firstTextAt: number | null = null;
  reason: StopReason | null = null;
  /** Set when its end is stored, before followers hear of it. */
  answer: TurnAnswer | null = null;

  readonly #abort = new AbortController();
  readonly #abandon = new AbortController();
  readonly #markDirty: (live: LiveTurn) => void;
  readonly #finished = Promise.withResolvers<void>();
  readonly #joining = new Set<Promise<void>>();
  /** All that it has to answer, in order. */
  readonly #prompts: Prompt[] = [];
  /** Of these, what the runtime does not have yet. */
  #unsent: Prompt[] = [];
  #joinedSeq: number;
  #lease: SessionLease | null = null;
  #delivering: Promise<void> | null = null;
  #text: string[] = [];
  #spoke = false;
  #pending: TurnFrame[] = [];

  constructor(
    turn: OwnedTurn,
    message: MessageRecord,
    options: { requestId: string | null; span?: ChatSpan; markDirty: (live: LiveTurn) => void },
  ) {
    this.turn = turn;
    this.log = new TurnLog(turn.id);
    this.requestId = options.requestId;
    this.span = options.span ?? NO_TRACING.beginTurn(turn.id, turn.model);
    this.#markDirty = options.markDirty;
    this.#joinedSeq = message.seq;
    this.#add(message);
    this.model = turn.model;
    this.done = this.#finished.promise;
  }

  /** Aborts when the turn is to stop. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Aborts when the instance closes: an end that could not be stored until then is left to the next start. */
  get abandoned(): AbortSignal {
    return this.#abandon.signal;
  }

  /** Whether a message may still join. */
  get joinable(): boolean {
    return !this.ending && this.reason === null;
  }

  /** Place of the last message that joined, or of the first. */
  get joinedSeq(): number {
    return this.#joinedSeq;
  }

  /** It has taken a message that the runtime was not asked yet. */
  get hasUnasked(): boolean {
    return this.#unsent.length > 0;
  }

  /** What was said since the last reset. Joined when asked for, not per token. */
  get text(): string {
    return this.#text.join('');
  }

  get silent(): boolean {
    return this.#text.length === 0;
  }

  /** The model said or did something that followers saw. */
  get spoke(): boolean {
    return this.#spoke;
  }

  /** The first reason stays. */
  stop(reason: StopReason): void {
    if (!this.joinable) return;
    this.reason = reason;
    this.#abort.abort();
  }

  fenceOff(): void {
    this.reason = { status: 'fenced' };
    this.#abort.abort();
  }

  abandon(): void {
    this.#abandon.abort();
  }

  /** Followers get it now, the store within a moment. */
  emit(event: TurnEvent, now: number): void {
    if (this.log.ended) return;
    if (event.event !== 'turn.started' && event.event !== 'chat.updated') this.#spoke = true;
    if (event.event === 'message.delta') {
      this.#text.push(event.data.text);
      if (this.firstTextAt === null) this.#beginsToSpeak(now);
    } else if (event.event === 'message.reset') {
      this.#text = [];
    }
    this.#pending.push(this.log.append(event));
    this.#markDirty(this);
  }

  /** Holds the end of the turn back while a message is being saved into it. */
  join<T>(saving: Promise<T>): Promise<T> {
    const settled = saving.then(
      () => undefined,
      () => undefined,
    );
    this.#joining.add(settled);
    void settled.then(() => this.#joining.delete(settled));
    return saving;
  }

  /** Takes a joined message; one it has already taken, by whatever way, is left out. */
  steer(message: MessageRecord): void {
    if (message.seq <= this.#joinedSeq) return;
    this.#joinedSeq = message.seq;
    this.#add(message);
    void this.#deliver();
  }

  /** The runtime runs and can take further prompts through `lease`; null: no more. */
  reachableThrough(lease: SessionLease | null): void {
    this.#lease = lease;
    void this.#deliver();
  }

  /** The next prompt the runtime has to be asked; null: none is left, and from now on none can join. */
  async nextPrompt(): Promise<Prompt | null> {
    while (this.#delivering !== null || (this.#unsent.length === 0 && this.#joining.size > 0)) {
      await (this.#delivering ?? Promise.all(this.#joining));
    }
    const prompt = this.#abort.signal.aborted ? undefined : this.#unsent.shift();
    if (prompt !== undefined) return prompt;
    this.ending = this.reason === null;
    return null;
  }

  /** The end could not be stored over a message that had joined: the turn goes on with it. */
  reopen(): void {
    this.ending = false;
  }

  /** Everything is asked once more. Only for a turn that never {@link spoke}. */
  again(): void {
    this.reopen();
    this.#unsent = [...this.#prompts];
  }

  unstored(): TurnFrame[] {
    return [...this.#pending];
  }

  stored(frames: readonly TurnFrame[]): void {
    this.#pending = this.#pending.slice(frames.length);
  }

  finish(): void {
    this.#finished.resolve();
  }

  #beginsToSpeak(now: number): void {
    this.firstTextAt = now;
    this.span.firstToken();
  }

  #add(message: MessageRecord): void {
    const prompt = promptOf(message);
    this.#prompts.push(prompt);
    this.#unsent.push(prompt);
  }

  #deliver(): Promise<void> {
    this.#delivering ??= this.#sendWaiting().finally(() => {
      this.#delivering = null;
    });
    return this.#delivering;
  }

  /** One after the other, so that they arrive in the order in which they were saved. */
  async #sendWaiting(): Promise<void> {
    for (let prompt = this.#unsent[0]; prompt !== undefined && this.#lease !== null; prompt = this.#unsent[0]) {
      const lease = this.#lease;
      const next = prompt;
      try {
        await this.span.within(() => lease.steer(next));
        this.#unsent.shift();
      } catch {
        // The run ended in between: the runner asks it in a run of its own, in the same turn.
        this.#lease = null;
      }
    }
  }
}

function promptOf({ content, attachments }: MessageRecord): Prompt {
  return { text: content, attachments };
}
