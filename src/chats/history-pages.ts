/**
 * Pages of history as they go over the wire. A page that was read before is sent again as long as the chat's row says that
 * nothing changed, whichever instance wrote: only what is new is read and put into words.
 */
import { Type } from 'typebox';
import { GatewayError, notFound } from '../errors.ts';
import type { MessageRepository, OwnedChat } from '../store/store.ts';
import { messageView } from '../turns/turn-shapes.ts';
import { decodeCursor, encodeCursor } from '../wire/cursor.ts';

/** Which part of a history. */
export interface HistoryQuery {
  readonly order: 'asc' | 'desc';
  readonly limit: number;
  /** `nextCursor` of the page before; null: from the start of the order. */
  readonly cursor: string | null;
  /** Id of the message to begin with, in place of a cursor. */
  readonly from: string | null;
}

interface Kept {
  readonly version: string;
  readonly body: Buffer;
}

const Place = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/** Bytes kept, all pages together. The page that was not asked for the longest goes first. */
const MOST_BYTES = 16 * 1024 * 1024;
/** A larger one is read each time: it would take the room of hundreds. */
const LARGEST_BYTES = MOST_BYTES / 64;
/** What a page costs besides its words: its key, its places in the heap. */
const PAGE_BYTES = 512;

export class HistoryPages {
  readonly #messages: Pick<MessageRepository, 'list' | 'find'>;
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  constructor(messages: Pick<MessageRepository, 'list' | 'find'>) {
    this.#messages = messages;
  }

  /**
   * The page as JSON in UTF-8. `chat` must have been read for this very request.
   * @throws GatewayError `validation_failed` for a cursor that is none or that comes with `from`, `not_found` when the chat
   * has no message `from`
   */
  async page(chat: OwnedChat, query: HistoryQuery): Promise<Buffer> {
    const { order, limit, cursor, from } = query;
    if (cursor !== null && from !== null)
      throw new GatewayError('validation_failed', 'A page begins at `cursor` or at the message `from`, not at both.');
    // Ids and cursors are told apart: both may be made of the same letters.
    const key = `${chat.id} ${order} ${limit} ${from === null ? 'cursor' : 'from'} ${cursor ?? from ?? ''}`;
    // Besides the count, the time: an instance of an older version does not count.
    const version = `${chat.historyVersion} ${chat.updatedAt}`;
    const kept = this.#take(key);
    if (kept?.version === version) {
      this.#put(key, kept);
      return kept.body;
    }
    const body = await this.#read(chat.id, query);
    if (body.length <= LARGEST_BYTES) this.#put(key, { version, body });
    return body;
  }

  async #read(chatId: string, { order, limit, cursor, from }: HistoryQuery): Promise<Buffer> {
    const after = from === null ? placeOf(cursor) : { after: await this.#placeBefore(chatId, order, from) };
    const { items, next } = await this.#messages.list(chatId, { order, limit, ...after });
    // Replaced since its place was looked up.
    if (from !== null && items[0]?.id !== from) throw notFound('message');
    return unpooled(JSON.stringify({ items: items.map(messageView), nextCursor: encodeCursor(next) }));
  }

  async #placeBefore(chatId: string, order: 'asc' | 'desc', messageId: string): Promise<number> {
    const message = await this.#messages.find(chatId, messageId);
    if (message === null) throw notFound('message');
    return order === 'asc' ? message.seq - 1 : message.seq + 1;
  }

  #take(key: string): Kept | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined) return undefined;
    this.#kept.delete(key);
    this.#bytes -= PAGE_BYTES + kept.body.length;
    return kept;
  }

  #put(key: string, page: Kept): void {
    this.#take(key);
    this.#kept.set(key, page);
    this.#bytes += PAGE_BYTES + page.body.length;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= MOST_BYTES) break;
      this.#take(oldest);
    }
  }
}

/** In memory of its own: a small buffer of `Buffer.from` keeps 64 KiB that it shares with others. */
function unpooled(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}

function placeOf(cursor: string | null): { after?: number } {
  return cursor === null ? {} : { after: decodeCursor(Place, cursor) };
}
