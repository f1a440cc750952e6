/** The messages of one chat as far as they were read, by turn; older ones come into sight a few at a time. */
import type { GatewayApi } from '../api/gateway-api.ts';
import type { MessageView, Page, TurnView } from '../api/shapes.ts';
import {
  groupByTurn,
  pendingId,
  type TurnGroup,
  unexplained,
  withMessage,
  withNewest,
  withOlder,
} from './message-order.ts';

/** First page short, so that a long chat opens at once; older ones longer, so that scrolling asks rarely. */
const FIRST_PAGE = 30;
const OLDER_PAGE = 40;

/** Messages shown at first, and then at once: to make and lay out more would hold up the frame in which they come. */
const SHOWN = 12;
const SLICE = 8;

/** The newest page, with the ids that were known when it was asked for. */
export interface NewestPage extends Page<MessageView> {
  readonly known: ReadonlySet<string>;
}

export class MessageHistory {
  groups: readonly TurnGroup[] = [];
  readonly #api: Pick<GatewayApi, 'messages'>;
  readonly #chatId: string;
  readonly #keys = new Map<string, string>();
  #messages: MessageView[] = [];
  /** So many of them, the oldest, are not shown yet. */
  #hidden = 0;
  #olderCursor: string | null = null;

  constructor(chatId: string, api: Pick<GatewayApi, 'messages'>) {
    this.#chatId = chatId;
    this.#api = api;
  }

  get hasOlder(): boolean {
    return this.isAhead || this.#olderCursor !== null;
  }

  /** Older ones are here: {@link readOlder} asks nobody. */
  get isAhead(): boolean {
    return this.#hidden > 0;
  }

  async readNewest(signal: AbortSignal): Promise<NewestPage> {
    const known = new Set(this.#messages.map(({ id }) => id));
    return { ...(await this.#api.messages(this.#chatId, null, FIRST_PAGE, signal)), known };
  }

  takeNewest(page: NewestPage): void {
    const newest = page.items.toReversed();
    const merged = withNewest(this.#messages, newest, page.known);
    // Only the first reading, or one after a long absence, decides where older ones begin.
    const first = merged === null || !this.groups.some(({ turnId }) => !this.#keys.has(turnId));
    if (first) this.#olderCursor = page.nextCursor;
    this.#set(merged ?? newest);
    if (first) this.#show(SHOWN);
  }

  /** Shows a few more, and reads a page when none are left. */
  async readOlder(signal: AbortSignal): Promise<void> {
    if (!this.isAhead && this.#olderCursor !== null) {
      const page = await this.#api.messages(this.#chatId, this.#olderCursor, OLDER_PAGE, signal);
      this.#olderCursor = page.nextCursor;
      this.#set(withOlder(this.#messages, page.items.toReversed()));
    }
    this.#show(this.#messages.length - this.#hidden + SLICE);
  }

  /** A question that the gateway took as `turnId`; it is shown under the key it had before. */
  addQuestion(question: MessageView, key: string): void {
    this.#keys.set(question.turnId, key);
    // A second try may learn that the first had arrived: then the question is here already.
    const known = this.#messages.some(({ turnId, role }) => turnId === question.turnId && role === 'user');
    this.#set(known ? this.#messages : withMessage(this.#messages, question));
  }

  /** Now the gateway's own id of a question is known. */
  confirmQuestion(turn: TurnView): void {
    const pending = this.#messages.find(({ id }) => id === pendingId(turn.id));
    if (pending === undefined) return;
    this.add({ ...pending, id: turn.userMessageId, createdAt: turn.createdAt });
  }

  add(message: MessageView): void {
    this.#set(withMessage(this.#messages, message));
  }

  /** Takes the message and everything after it away. */
  dropFrom(messageId: string): void {
    const at = this.#messages.findIndex(({ id }) => id === messageId);
    if (at !== -1) this.#set(this.#messages.slice(0, at));
  }

  groupOf(questionId: string): TurnGroup | undefined {
    return this.groups.find(({ questions }) => questions.some(({ id }) => id === questionId));
  }

  shows(messageId: string): boolean {
    return this.groups.some(
      ({ questions, answer }) => answer?.id === messageId || questions.some(({ id }) => id === messageId),
    );
  }

  /** Turns without a whole answer, newest first. */
  unexplained(): string[] {
    return unexplained(groupByTurn(this.#messages, this.#keys, this.groups));
  }

  isAnswered(turnId: string): boolean {
    return this.groups.some((group) => group.turnId === turnId && group.answer?.status === 'complete');
  }

  /** What comes in above what is shown waits there. */
  #set(messages: MessageView[]): void {
    const oldest = this.#messages[this.#hidden]?.id;
    const at = messages.findIndex(({ id }) => id === oldest);
    this.#hidden = at === -1 ? Math.min(this.#hidden, messages.length) : at;
    this.#messages = messages;
    this.#group();
  }

  #show(count: number): void {
    this.#hidden = Math.max(0, this.#messages.length - count);
    this.#group();
  }

  #group(): void {
    this.groups = groupByTurn(this.#messages.slice(this.#hidden), this.#keys, this.groups);
  }
}
