/** Reading what was said before: further back, towards the end again, at a message of long ago. */
import { type ApiError, apiErrorOf } from '../api/api-error.ts';
import type { MessageHistory } from './message-history.ts';

/** What came of looking for a message. */
export interface Sought {
  readonly messageId: string;
  /** No: it is not there any more. */
  readonly found: boolean;
}

export interface PastReaderEvents {
  onChange(): void;
  onError(error: ApiError | null, signal: AbortSignal): void;
}

export class PastReader {
  /** What is being read. */
  readonly reading = new Set<'older' | 'newer' | 'sought'>();
  /** The message that was looked for, until the view has led to it. */
  sought: Sought | null = null;
  readonly #history: MessageHistory;
  readonly #events: PastReaderEvents;
  #seeking = new AbortController();

  constructor(history: MessageHistory, events: PastReaderEvents) {
    this.#history = history;
    this.#events = events;
  }

  /** Shows a little more of what was said before. */
  async readOlder(signal: AbortSignal): Promise<void> {
    if (this.reading.has('older') || !this.#history.hasOlder) return;
    await this.#read('older', signal, () => this.#history.readOlder(signal));
  }

  /** Shows a little more of what was said after. */
  async readNewer(signal: AbortSignal): Promise<void> {
    if (this.reading.has('newer') || !this.#history.hasNewer) return;
    await this.#read('newer', signal, () => this.#history.readNewer(signal));
  }

  /** Shows a message with what stands around it. Who looks for another one meanwhile does not look for this one any more. */
  async seek(messageId: string, active: AbortSignal): Promise<void> {
    this.#seeking.abort();
    this.#seeking = new AbortController();
    const signal = AbortSignal.any([active, this.#seeking.signal]);
    await this.#read('sought', signal, async () => {
      this.sought = { messageId, found: await this.#find(messageId, signal) };
      // What is still being read belongs to what was looked at before, and must not hold up what is read from here on.
      this.reading.clear();
    });
  }

  async #find(messageId: string, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#history.showAround(messageId, signal);
      return true;
    } catch (error) {
      if (apiErrorOf(error)?.status !== 404) throw error;
      return false;
    }
  }

  async #read(what: 'older' | 'newer' | 'sought', signal: AbortSignal, read: () => Promise<void>): Promise<void> {
    this.reading.add(what);
    if (what !== 'older' || !this.#history.isAhead) this.#events.onChange();
    try {
      await read();
    } catch (error) {
      this.#events.onError(apiErrorOf(error), signal);
    } finally {
      this.reading.delete(what);
      this.#events.onChange();
    }
  }
}
