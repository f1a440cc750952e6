/** Messages of which a part is shown: neither the oldest nor the newest of them need be in sight. */
import type { MessageView } from '../api/shapes.ts';

export class ShownRange {
  /** All of them, oldest first. */
  messages: readonly MessageView[] = [];
  /** So many of them, the oldest, are not shown. */
  #above = 0;
  /** Id of the last one that is shown; null: all to the end are, also those that will come. */
  #last: string | null = null;

  get hasAbove(): boolean {
    return this.#above > 0;
  }

  get hasBelow(): boolean {
    return this.#last !== null;
  }

  get shown(): readonly MessageView[] {
    return this.messages.slice(this.#above, this.#lastAt() + 1);
  }

  has(messageId: string): boolean {
    return this.#at(messageId) !== -1;
  }

  isShown(messageId: string): boolean {
    const at = this.#at(messageId);
    return at >= this.#above && at <= this.#lastAt();
  }

  /** The same messages and others: what comes in above what is shown waits there. */
  set(messages: readonly MessageView[]): void {
    const first = this.messages[this.#above]?.id;
    const at = messages.findIndex(({ id }) => id === first);
    this.#above = at === -1 ? Math.min(this.#above, messages.length) : at;
    this.messages = messages;
    if (this.#last !== null && !this.has(this.#last)) this.#last = null;
  }

  /** As {@link set}; what comes in below waits as well. */
  setBelow(messages: readonly MessageView[]): void {
    this.#last ??= this.messages.at(-1)?.id ?? null;
    this.set(messages);
  }

  /** The newest ones, and those that will come. */
  showNewest(count: number): void {
    this.#last = null;
    this.#above = Math.max(0, this.messages.length - count);
  }

  showOlder(count: number): void {
    this.#above = Math.max(0, Math.min(this.#above, this.messages.length) - count);
  }

  showNewer(count: number): void {
    const last = this.#lastAt() + count;
    this.#last = last < this.messages.length - 1 ? (this.messages[last]?.id ?? null) : null;
  }

  /** One that is here, so many before it, and so many after it. */
  showAround(messageId: string, before: number, after: number): void {
    this.#above = Math.max(0, this.#at(messageId) - before);
    this.#last = messageId;
    this.showNewer(after);
  }

  #at(messageId: string): number {
    return this.messages.findIndex(({ id }) => id === messageId);
  }

  #lastAt(): number {
    return this.#last === null ? this.messages.length - 1 : this.#at(this.#last);
  }
}
