/**
 * The live log of one turn in this process. Appending costs the same however long the answer is; any number of followers
 * read it at their own pace by position, so a slow one holds up nobody and buffers nothing.
 */
import type { TurnFrame } from '../store/records.ts';
import { isTerminal, type TurnEvent } from './turn-events.ts';

export class TurnLog {
  readonly turnId: string;
  /** Settles when nothing more will come: after the terminal frame, or after {@link close}. */
  readonly over: Promise<void>;
  readonly #frames: TurnFrame[] = [];
  readonly #over = Promise.withResolvers<void>();
  #ended = false;
  #waiting = new Set<() => void>();

  constructor(turnId: string) {
    this.turnId = turnId;
    this.over = this.#over.promise;
  }

  /** True once {@link over} has settled. */
  get ended(): boolean {
    return this.#ended;
  }

  get lastId(): number {
    return this.#frames.length;
  }

  /** Numbers the event, from 1, and lets followers have it at once. */
  append(event: TurnEvent): TurnFrame {
    const frame = this.prepare([event])[0] as TurnFrame;
    this.publish([frame]);
    return frame;
  }

  /** Numbers events without letting anyone see them: the last ones of a turn are first committed. */
  prepare(events: readonly TurnEvent[]): TurnFrame[] {
    return events.map(({ event, data }, index) => ({
      id: this.#frames.length + index + 1,
      event,
      data: JSON.stringify(data),
    }));
  }

  publish(frames: readonly TurnFrame[]): void {
    for (const frame of frames) {
      this.#frames.push(frame);
      if (isTerminal(frame.event)) this.#end();
    }
    this.#wake();
  }

  /** Ends followers without a terminal frame: another instance owns the turn now, or this one goes away. */
  close(): void {
    this.#end();
    this.#wake();
  }

  /**
   * Frames with id > `after`, past and coming, until the turn ends or `signal` aborts. A number that was never given here
   * counts as the last one that was: such a follower still hears the end.
   */
  async *follow(after: number, signal: AbortSignal): AsyncGenerator<TurnFrame> {
    let position = Math.min(after, this.#frames.length);
    while (!signal.aborted) {
      while (position < this.#frames.length) {
        yield this.#frames[position++] as TurnFrame;
        if (signal.aborted) return;
      }
      if (this.#ended) return;
      await this.#change(signal);
    }
  }

  #end(): void {
    this.#ended = true;
    this.#over.resolve();
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        signal.removeEventListener('abort', wake);
        this.#waiting.delete(wake);
        resolve();
      };
      signal.addEventListener('abort', wake, { once: true });
      this.#waiting.add(wake);
    });
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const wake of waiting) wake();
  }
}
