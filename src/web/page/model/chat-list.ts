/** The list of chats beside the conversation: a page at a time, changed at once and taken back if refused. */
import { type ApiError, apiErrorOf } from '../api/api-error.ts';
import type { ChatPatch, GatewayApi } from '../api/gateway-api.ts';
import type { ChatView, UserEvent } from '../api/shapes.ts';
import { newerChat, newestFirst, withChat } from './chat-order.ts';
import { Observable } from './observable.ts';

const PAGE = 40;

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
    this.changed();
    try {
      const page = await this.#api.chats({ archived: this.archived }, cursor, PAGE, signal);
      if (cursor === null) this.running.clear();
      const kept = cursor === null ? [] : this.#items;
      const ids = new Set(page.items.map(({ id }) => id));
      this.#items = newestFirst([...kept.filter(({ id }) => !ids.has(id)), ...page.items]);
      this.#cursor = page.nextCursor;
      this.error = null;
    } catch (error) {
      this.error = signal.aborted ? this.error : apiErrorOf(error);
    } finally {
      if (!signal.aborted) {
        this.loading = false;
        this.changed();
      }
    }
  }

  /** Shows a chat as it is now, if it belongs into this list. */
  put(read: ChatView): void {
    const listed = this.find(read.id);
    const chat = newerChat(listed, read);
    this.#items =
      chat.archived === this.archived ? withChat(this.#items, chat) : this.#items.filter(({ id }) => id !== chat.id);
    this.changed();
  }

  retitle(chatId: string, title: string): void {
    const chat = this.find(chatId);
    if (chat !== null) this.put({ ...chat, title });
  }

  drop(chatId: string): void {
    this.#items = this.#items.filter(({ id }) => id !== chatId);
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
