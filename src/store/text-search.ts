/** Search by text: which titles and messages of a user have the words, newest first. */
import { type RawBuilder, sql } from 'kysely';
import { CHAT_COLUMNS, ownedChat } from './chat-record.ts';
import type { Database } from './database.ts';
import { MESSAGE_COLUMNS, type MessageRow, messageRecord } from './message-record.ts';
import { chatMatches, documentMatches } from './search-index.ts';
import type { ChatKey, OwnedChat, Page, SearchHit, SearchRepository } from './store.ts';

/** A document that was found. `source` is empty for a title. */
interface FoundDocument {
  chat_id: string;
  source: string;
  at: number;
}

/** {@link SearchRepository} on either engine. */
export class SqlSearchRepository implements SearchRepository {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async texts(
    userId: string,
    { q, after, limit }: { q: string; after?: ChatKey; limit: number },
  ): Promise<Page<SearchHit, ChatKey>> {
    const { engine } = this.#database;
    const inText = documentMatches(engine, userId, q);
    const inChat = chatMatches(engine, userId, q);
    if (inText === null || inChat === null) return { items: [], next: null };
    const matches = sql<boolean>`${sql.join([inText, ...inChat], sql` and `)}`;
    const found = await this.#documents(userId, matches, after, limit + 1);
    const page = found.slice(0, limit);
    const [chats, messages] = await Promise.all([this.#chats(userId, page), this.#messages(page)]);
    const items = page.flatMap((document): SearchHit[] => {
      const chat = chats.get(document.chat_id);
      const message = messages.get(document.source) ?? null;
      // Removed since the first of the three readings.
      if (chat === undefined || (document.source !== '' && message === null)) return [];
      return [{ chat, message: message === null ? null : messageRecord(message, []) }];
    });
    const last = page.at(-1);
    const next = found.length > limit && last ? { updatedAt: Number(last.at), id: idOf(last) } : null;
    return { items, next };
  }

  async #documents(
    userId: string,
    matches: RawBuilder<boolean>,
    after: ChatKey | undefined,
    limit: number,
  ): Promise<FoundDocument[]> {
    // A title is as old as its chat, a message as itself; both have an id that tells them apart.
    const place = sql`coalesce(m.created_at, chats.created_at)`;
    const id = sql`coalesce(m.id, chats.id)`;
    const documents =
      this.#database.engine === 'postgres'
        ? sql`search_documents d`
        : sql`search_index i join search_documents d on d.id = i.rowid`;
    const older = after ? sql`and (${place}, ${id}) < (${after.updatedAt}, ${after.id})` : sql``;
    const { rows } = await sql<FoundDocument>`
      select d.chat_id, d.source, ${place} as at
      from ${documents} join chats on chats.id = d.chat_id
      left join messages m on m.id = d.source
      where ${matches} and chats.user_id = ${userId} and (d.source = '' or m.id is not null) ${older}
      order by ${place} desc, ${id} desc limit ${limit}`.execute(this.#database.read);
    return rows;
  }

  async #chats(userId: string, found: readonly FoundDocument[]): Promise<Map<string, OwnedChat>> {
    if (found.length === 0) return new Map();
    const rows = await this.#database.read
      .selectFrom('chats')
      .select(CHAT_COLUMNS)
      .where('user_id', '=', userId)
      .where('id', 'in', [...new Set(found.map(({ chat_id }) => chat_id))])
      .execute();
    return new Map(rows.map((row) => [row.id, ownedChat(row)]));
  }

  async #messages(found: readonly FoundDocument[]): Promise<Map<string, MessageRow>> {
    const ids = found.map(({ source }) => source).filter((source) => source !== '');
    if (ids.length === 0) return new Map();
    const rows = await this.#database.read
      .selectFrom('messages')
      .select(MESSAGE_COLUMNS)
      .where('id', 'in', ids)
      .execute();
    return new Map(rows.map((row) => [row.id, row]));
  }
}

function idOf({ chat_id, source }: FoundDocument): string {
  return source === '' ? chat_id : source;
}
