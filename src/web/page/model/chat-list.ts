/** The list of chats beside the conversation: pinned ones all, the others a page at a time, changed at once and taken back if refused. */
import { type ApiError, apiErrorOf } from '../api/api-error.ts';
import type { ChatPatch, GatewayApi } from '../api/gateway-api.ts';
import type { ChatView, Page, UserEvent } from '../api/shapes.ts';
import { newerChat, together, withChat } from './chat-order.ts';
import { Observable } from './observable.ts';

const PAGE = 40;
/** Of pinned ones: they stand on top, so they are read to the last. */
const PINNED_PAGE = 100;

export class ChatList extends Observable {
  archived = false;
  loading = true;
  error: ApiError | null = null;
  /** Chats in which an answer is being made. */
  readonly running = new Set<string>();
  readonly #api: GatewayApi;
  /** Deleted here, not yet at the gateway. */
  readonly #hidden = new Set<string>();
  #items: ChatView[] = [];
  #cursor: string | null = null;
  #reading = new AbortController();
  /** What was told of chats since reading began, which what is read may not know; null: the chat is gone. */
  readonly #told = new Map<string, ChatView | null>();

  constructor(api: GatewayApi) {
    super();
    this.#api = api;
  }

  get items(): readonly ChatView[] {
    return this.#hidden.size === 0 ? this.#items : this.#items.filter(({ id }) => !this.#hidden.has(id));
  }

  get hasMore(): boolean {
    return this.#cursor !== null;
  }

  /** Deleted a moment ago; it can still come back. */
  isHidden(chatId: string): boolean {
    return this.#hidden.has(chatId);
  }

  find(chatId: string): ChatView | null {
    return this.#items.find(({ id }) => id === chatId) ?? null;
  }

  showArchived(archived: boolean): void {
    this.archived = archived;
    this.#items = [];
    void this.refresh();
  }

  /** Reads the first page again. */
  async refresh(): Promise<void> {
    await this.#read(null);
  }

  async loadMore(): Promise<void> {
    if (!this.loading && this.#cursor !== null) await this.#read(this.#cursor);
  }

  async #read(cursor: string | null): Promise<void> {
    this.#reading.abort();
    this.#reading = new AbortController();
    const { signal } = this.#reading;
    this.loading = true;
    this.#told.clear();
    this.changed();
    try {
      const [page, pinned] = await Promise.all([
        this.#api.chats({ archived: this.archived }, cursor, PAGE, signal),
        cursor === null ? this.#pinned(signal) : [],
      ]);
      signal.throwIfAborted();
      if (cursor === null) this.running.clear();
      this.#items = together(cursor === null ? [] : this.#items, pinned, page.items);
      this.#cursor = page.nextCursor;
      this.error = null;
      for (const [id, chat] of this.#told) this.#set(id, chat);
    } catch (error) {
      this.error = signal.aborted ? this.error : apiErrorOf(error);
    } finally {
      if (!signal.aborted) {
        this.loading = false;
        this.changed();
      }
    }
  }

  async #pinned(signal: AbortSignal): Promise<ChatView[]> {
    const pinned: ChatView[] = [];
    let cursor: string | null = null;
    do {
      const filter = { archived: this.archived, pinned: true };
      const page: Page<ChatView> = await this.#api.chats(filter, cursor, PINNED_PAGE, signal);
      pinned.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor !== null);
    return pinned;
  }

  /** Shows a chat as it is now, if it belongs into this list. */
  put(read: ChatView): void {
    if (this.loading) this.#told.set(read.id, read);
    this.#set(read.id, read);
    this.changed();
  }

  #set(chatId: string, read: ChatView | null): void {
    const chat = read === null ? null : newerChat(this.find(chatId), read);
    const belongs = chat !== null && chat.archived === this.archived;
    this.#items = belongs ? withChat(this.#items, chat) : this.#items.filter(({ id }) => id !== chatId);
  }

  retitle(chatId: string, title: string): void {
    const chat = this.find(chatId);
    if (chat !== null) this.put({ ...chat, title });
  }

  drop(chatId: string): void {
    if (this.loading) this.#told.set(chatId, null);
    this.#set(chatId, null);
    this.#hidden.delete(chatId);
    this.running.delete(chatId);
    this.changed();
  }

  hide(chatId: string, hidden: boolean): void {
    if (hidden) this.#hidden.add(chatId);
    else this.#hidden.delete(chatId);
    this.changed();
  }

  /** Shows the change at once; when it is refused, shows how it was. @throws ApiError */
  async change(chat: ChatView, patch: ChatPatch): Promise<ChatView> {
    this.put({ ...chat, ...patch });
    try {
      const changed = await this.#api.changeChat(chat.id, patch);
      this.put(changed);
      return changed;
    } catch (error) {
      this.put(chat);
      throw error;
    }
  }

  hear(event: UserEvent): void {
    switch (event.event) {
      case 'chat.created':
      case 'chat.updated':
        this.put(event.data.chat);
        break;
      case 'chat.deleted':
        this.drop(event.data.id);
        break;
      case 'turn.started':
        this.running.add(event.data.turn.chatId);
        this.changed();
        break;
      case 'turn.ended':
        this.running.delete(event.data.turn.chatId);
        this.changed();
    }
  }
}
