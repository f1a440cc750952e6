/**
 * The messages of one chat as far as they were read, by turn; more come into sight a few at a time. They are one piece that
 * ends with the newest, or two: what is looked at, around a message of long ago, and the end, until reading on joins them.
 */
import type { GatewayApi } from '../api/gateway-api.ts';
import type { MessageView, Page, TurnView } from '../api/shapes.ts';
import {
  groupByTurn,
  pendingId,
  type TurnGroup,
  unexplained,
  withMessage,
  withNewer,
  withNewest,
  withOlder,
} from './message-order.ts';
import { ShownRange } from './shown-range.ts';

/** First page short, so that a long chat opens at once; others longer, so that scrolling asks rarely. */
const FIRST_PAGE = 30;
const NEXT_PAGE = 40;

/** Messages shown at first, and then at once: to make and lay out more would hold up the frame in which they come. */
const SHOWN = 12;
const SLICE = 8;

/** Messages shown above one that was looked for. */
const ABOVE = 4;

/** The newest page, with the ids that were known when it was asked for. */
export interface NewestPage extends Page<MessageView> {
  readonly known: ReadonlySet<string>;
}

/** The newest messages, while others are looked at that they are not joined to. */
interface End {
  messages: readonly MessageView[];
  readonly olderCursor: string | null;
  /** Where what is looked at goes on. */
  newerCursor: string | null;
}

export class MessageHistory {
  groups: readonly TurnGroup[] = [];
  readonly #api: Pick<GatewayApi, 'messages'>;
  readonly #chatId: string;
  readonly #keys = new Map<string, string>();
  /** What is looked at. */
  readonly #range = new ShownRange();
  #olderCursor: string | null = null;
  /** Null: what is looked at has the newest. */
  #end: End | null = null;

  constructor(chatId: string, api: Pick<GatewayApi, 'messages'>) {
    this.#chatId = chatId;
    this.#api = api;
  }

  get hasOlder(): boolean {
    return this.isAhead || this.#olderCursor !== null;
  }

  /** What is shown does not reach to the newest. */
  get hasNewer(): boolean {
    return this.#end !== null || this.#range.hasBelow;
  }

  /** Older ones are here: {@link readOlder} asks nobody. */
  get isAhead(): boolean {
    return this.#range.hasAbove;
  }

  /** The messages that new ones come to. */
  get #newest(): readonly MessageView[] {
    return this.#end?.messages ?? this.#range.messages;
  }

  async readNewest(signal: AbortSignal): Promise<NewestPage> {
    const known = new Set(this.#newest.map(({ id }) => id));
    return { ...(await this.#api.messages(this.#chatId, { order: 'desc' }, FIRST_PAGE, signal)), known };
  }

  takeNewest(page: NewestPage): void {
    const newest = page.items.toReversed();
    const merged = withNewest(this.#newest, newest, page.known);
    // Only the first reading, or one after a long absence, decides where older ones begin.
    const first = merged === null || (!this.hasNewer && !this.groups.some(({ turnId }) => !this.#keys.has(turnId)));
    if (merged === null) this.#end = null;
    if (first) this.#olderCursor = page.nextCursor;
    this.#setNewest(merged ?? newest);
    if (first) this.#range.showNewest(SHOWN);
    this.#group();
  }

  /** Shows a few more, and reads a page when none are left. */
  async readOlder(signal: AbortSignal): Promise<void> {
    const cursor = this.#olderCursor;
    if (!this.isAhead && cursor !== null) {
      const page = await this.#api.messages(this.#chatId, { order: 'desc', cursor }, NEXT_PAGE, signal);
      // Something else is looked at by now.
      if (this.#olderCursor !== cursor) return;
      this.#olderCursor = page.nextCursor;
      this.#range.set(withOlder(this.#range.messages, page.items.toReversed()));
    }
    this.#range.showOlder(SLICE);
    this.#group();
  }

  /** Shows a few more towards the end, and reads a page when none are left. */
  async readNewer(signal: AbortSignal): Promise<void> {
    const end = this.#end;
    if (!this.#range.hasBelow && end !== null) {
      const place = { order: 'asc', cursor: end.newerCursor } as const;
      const page = await this.#api.messages(this.#chatId, place, NEXT_PAGE, signal);
      if (this.#end !== end) return;
      end.newerCursor = page.nextCursor;
      this.#range.setBelow(withNewer(this.#range.messages, page.items));
      this.#join();
    }
    this.#range.showNewer(SLICE);
    this.#group();
  }

  /**
   * Shows a message with what stands around it, however long ago it was.
   * @throws ApiError 404 when it is not there any more
   */
  async showAround(messageId: string, signal: AbortSignal): Promise<void> {
    if (this.#end?.messages.some(({ id }) => id === messageId)) this.toEnd();
    if (this.#range.isShown(messageId)) return;
    if (!this.#range.has(messageId)) await this.#readAround(messageId, signal);
    this.#range.showAround(messageId, ABOVE, SLICE);
    this.#group();
  }

  async #readAround(from: string, signal: AbortSignal): Promise<void> {
    const [before, after] = await Promise.all([
      this.#api.messages(this.#chatId, { order: 'desc', from }, FIRST_PAGE, signal),
      this.#api.messages(this.#chatId, { order: 'asc', from }, FIRST_PAGE, signal),
    ]);
    const olderCursor = this.#end === null ? this.#olderCursor : this.#end.olderCursor;
    this.#end = { messages: this.#newest, olderCursor, newerCursor: after.nextCursor };
    this.#olderCursor = before.nextCursor;
    this.#range.set(withNewer(before.items.toReversed(), after.items));
    this.#join();
  }

  /** Shows the newest ones again. */
  toEnd(): void {
    if (!this.hasNewer) return;
    if (this.#end !== null) {
      this.#range.set(this.#end.messages);
      this.#olderCursor = this.#end.olderCursor;
      this.#end = null;
    }
    this.#range.showNewest(SHOWN);
    this.#group();
  }

  /** A question that the gateway took as `turnId`; it is shown under the key it had before. */
  addQuestion(question: MessageView, key: string): void {
    this.#keys.set(question.turnId, key);
    // A second try may learn that the first had arrived: then the question is here already.
    const known = this.#newest.some(({ turnId, role }) => turnId === question.turnId && role === 'user');
    this.#setNewest(known ? this.#newest : withMessage(this.#newest, question));
    this.#group();
  }

  /** Now the gateway's own id of a question is known. */
  confirmQuestion(turn: TurnView): void {
    const pending = this.#newest.find(({ id }) => id === pendingId(turn.id));
    if (pending === undefined) return;
    this.add({ ...pending, id: turn.userMessageId, createdAt: turn.createdAt });
  }

  add(message: MessageView): void {
    this.#setNewest(withMessage(this.#newest, message));
    this.#group();
  }

  /** Takes the message and everything after it away. */
  dropFrom(messageId: string): void {
    // Something else is looked at by now.
    if (!this.#range.has(messageId)) this.toEnd();
    this.#end = null;
    const { messages } = this.#range;
    // What is not here is older than all that is.
    const at = Math.max(
      0,
      messages.findIndex(({ id }) => id === messageId),
    );
    this.#range.set(messages.slice(0, at));
    this.#range.showNewer(Number.POSITIVE_INFINITY);
    this.#group();
  }

  groupOf(questionId: string): TurnGroup | undefined {
    return this.groups.find(({ questions }) => questions.some(({ id }) => id === questionId));
  }

  /** Turns without a whole answer, newest first. */
  unexplained(): string[] {
    return unexplained(groupByTurn(this.#newest, this.#keys, this.groups));
  }

  isAnswered(turnId: string): boolean {
    return this.#newest.some(
      (message) => message.turnId === turnId && message.role === 'assistant' && message.status === 'complete',
    );
  }

  /** What was replaced, perhaps in another tab, is not looked at either. */
  #setNewest(messages: readonly MessageView[]): void {
    const end = this.#end;
    if (end === null) {
      this.#range.set(messages);
      return;
    }
    const left = new Set(messages.map(({ id }) => id));
    const gone = new Set(end.messages.filter(({ id }) => !left.has(id)).map(({ id }) => id));
    end.messages = messages;
    this.#range.set(this.#range.messages.filter(({ id }) => !gone.has(id)));
  }

  /** What is looked at and the end become one where they meet. */
  #join(): void {
    const end = this.#end;
    if (end === null) return;
    const { messages } = this.#range;
    const ids = new Set(end.messages.map(({ id }) => id));
    const met = messages.findIndex(({ id }) => ids.has(id));
    if (met === -1 && end.newerCursor !== null) return;
    this.#end = null;
    this.#range.setBelow(withNewer(met === -1 ? messages : messages.slice(0, met), end.messages));
  }

  #group(): void {
    this.groups = groupByTurn(this.#range.shown, this.#keys, this.groups);
  }
}
