/** What was looked for and found, in titles and messages, a page at a time. */
import { type ApiError, apiErrorOf } from '../api/api-error.ts';
import type { GatewayApi } from '../api/gateway-api.ts';
import type { ChatView, SearchHit, UserEvent } from '../api/shapes.ts';
import { Observable } from './observable.ts';

const PAGE = 30;
/** Search waits until typing pauses, in milliseconds. */
const TYPING_MS = 180;

/** A chat and what was found in it. */
export interface FoundChat {
  readonly chat: ChatView;
  /** In messages; a title shows itself. */
  readonly hits: readonly SearchHit[];
}

export class ChatSearch extends Observable {
  query = '';
  loading = false;
  error: ApiError | null = null;
  readonly #api: Pick<GatewayApi, 'search'>;
  #hits: SearchHit[] = [];
  #cursor: string | null = null;
  #reading = new AbortController();
  #typing: ReturnType<typeof setTimeout> | undefined;

  constructor(api: Pick<GatewayApi, 'search'>) {
    super();
    this.#api = api;
  }

  /** Something is looked for: its results stand in place of the list. A search looks everywhere, also in what was archived. */
  get active(): boolean {
    return this.query.trim() !== '';
  }

  get hasMore(): boolean {
    return this.#cursor !== null;
  }

  get found(): FoundChat[] {
    return byChat(this.#hits);
  }

  /** How many titles and messages are here. */
  get count(): number {
    return this.#hits.length;
  }

  /** Looks for `query` as soon as typing pauses. */
  search(query: string): void {
    this.query = query;
    this.#reading.abort();
    clearTimeout(this.#typing);
    this.loading = this.active;
    if (this.active) this.#typing = setTimeout(() => void this.read(), TYPING_MS);
    else this.#take([], null);
    this.changed();
  }

  /** Reads the first page. */
  async read(): Promise<void> {
    await this.#read(null);
  }

  async readMore(): Promise<void> {
    if (!this.loading && this.#cursor !== null) await this.#read(this.#cursor);
  }

  hear(event: UserEvent): void {
    if (event.event === 'chat.updated') {
      const { chat } = event.data;
      this.#hits = this.#hits.map((hit) => (hit.chat.id === chat.id ? { ...hit, chat } : hit));
    } else if (event.event === 'chat.deleted') {
      this.#hits = this.#hits.filter(({ chat }) => chat.id !== event.data.id);
    } else return;
    this.changed();
  }

  async #read(cursor: string | null): Promise<void> {
    this.#reading.abort();
    this.#reading = new AbortController();
    const { signal } = this.#reading;
    this.loading = true;
    this.changed();
    try {
      const page = await this.#api.search(this.query.trim(), cursor, PAGE, signal);
      this.#take(cursor === null ? page.items : [...this.#hits, ...page.items], page.nextCursor);
    } catch (error) {
      if (!signal.aborted) this.error = apiErrorOf(error);
    } finally {
      if (!signal.aborted) {
        this.loading = false;
        this.changed();
      }
    }
  }

  #take(hits: SearchHit[], cursor: string | null): void {
    this.#hits = hits;
    this.#cursor = cursor;
    this.error = null;
  }
}

/** Newest first, each chat once. */
function byChat(hits: readonly SearchHit[]): FoundChat[] {
  const chats = new Map<string, { chat: ChatView; hits: SearchHit[] }>();
  for (const hit of hits) {
    const found = chats.get(hit.chat.id) ?? { chat: hit.chat, hits: [] };
    if (hit.message !== null) found.hits.push(hit);
    chats.set(hit.chat.id, found);
  }
  return [...chats.values()];
}
