/** One turn while this instance runs it: its log, what was said, and the one way to stop it. */
import type { GatewayError } from '../errors.ts';
import type { Prompt, SessionLease } from '../runtimes/runtime-port.ts';
import type { MessageRecord, TurnFrame, UsageRecord } from '../store/records.ts';
import type { OwnedTurn } from '../store/store.ts';
import type { TurnEvent } from './turn-events.ts';
import type { TurnLog } from './turn-log.ts';

/** Why a turn is stopped before the runtime is done. */
export type StopReason =
  | { readonly status: 'cancelled' }
  | { readonly status: 'interrupted' | 'failed'; readonly error: GatewayError }
  /** Another instance took the turn over: nothing more may be written. */
  | { readonly status: 'fenced' };

export class LiveTurn {
  readonly turn: OwnedTurn;
  readonly log: TurnLog;
  /** Of the request that asked for it, so that a failure can be found in the log; null after a restart. */
  readonly requestId: string | null;
  readonly usage: UsageRecord[] = [];
  /** Settles when the turn is over and stored. */
  readonly done: Promise<void>;
  /** Messages that joined and that the runtime does not have yet, in order. */
  readonly unsent: Prompt[] = [];
  readonly #joining = new Set<Promise<void>>();
  lease: SessionLease | null = null;
  /** The batch being stored, if any: the end waits for it. */
  writing: Promise<boolean> | null = null;
  /** From here on no message can join any more. */
  ending = false;
  model: string | null;
  firstTextAt: number | null = null;
  /** The instance is closing: an end that cannot be stored is left to the recovery of the next start. */
  abandoned = false;
  reason: StopReason | null = null;

  readonly #abort = new AbortController();
  readonly #markDirty: (live: LiveTurn) => void;
  readonly #finished = Promise.withResolvers<void>();
  #text: string[] = [];
  #pending: TurnFrame[] = [];

  constructor(
    turn: OwnedTurn,
    log: TurnLog,
    options: { requestId: string | null; markDirty: (live: LiveTurn) => void },
  ) {
    this.turn = turn;
    this.log = log;
    this.requestId = options.requestId;
    this.#markDirty = options.markDirty;
    this.model = turn.model;
    this.done = this.#finished.promise;
  }

  /** Aborts when the turn is to stop. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** What was said since the last reset. Joined when asked for, not per token. */
  get text(): string {
    return this.#text.join('');
  }

  get silent(): boolean {
    return this.#text.length === 0;
  }

  /** The first reason stays. */
  stop(reason: StopReason): void {
    if (this.reason !== null || this.ending) return;
    this.reason = reason;
    this.#abort.abort();
  }

  fenceOff(): void {
    this.reason = { status: 'fenced' };
    this.#abort.abort();
  }

  /** Followers get it now, the store within a moment. */
  emit(event: TurnEvent, now: number): void {
    if (event.event === 'message.delta') {
      this.#text.push(event.data.text);
      this.firstTextAt ??= now;
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

  /** The next prompt the runtime has to be asked; null: none is left, and from now on none can join. */
  async nextPrompt(): Promise<Prompt | null> {
    while (this.unsent.length === 0 && this.#joining.size > 0) await Promise.all(this.#joining);
    const prompt = this.#abort.signal.aborted ? undefined : this.unsent.shift();
    if (prompt !== undefined) return prompt;
    this.ending = this.reason === null;
    return null;
  }

  /** Gives a joined message to the runtime, or keeps it until the runtime is ready for it. */
  async steer(message: MessageRecord): Promise<void> {
    const prompt: Prompt = { text: message.content, attachments: message.attachments };
    if (this.lease === null) {
      this.unsent.push(prompt);
      return;
    }
    try {
      await this.lease.steer(prompt);
    } catch {
      // The run ended in between: the runner asks it in a run of its own, in the same turn.
      this.unsent.push(prompt);
    }
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
}
