/** History, by place. `list` is the hot path: one prepared statement over the key (chat, place). */
import { type Database, type PreparedQuery, slot } from './database.ts';
import { MESSAGE_COLUMNS, type MessageRow, messageRecords } from './message-record.ts';
import type { MessageRecord } from './records.ts';
import type { MessageRepository, Page } from './store.ts';

const CONTEXT_LIMIT = 1_000;

/** {@link MessageRepository} on either engine. */
export class SqlMessageRepository implements MessageRepository {
  readonly #database: Database;
  readonly #ascending: PreparedQuery<MessageRow>;
  readonly #descending: PreparedQuery<MessageRow>;
  readonly #find: PreparedQuery<MessageRow>;

  constructor(database: Database) {
    this.#database = database;
    const messages = database.read
      .selectFrom('messages')
      .select(MESSAGE_COLUMNS)
      .where('chat_id', '=', slot<string>('chatId'));
    this.#ascending = database.prepare(
      'messages_ascending',
      messages.where('seq', '>', slot<number>('after')).orderBy('seq', 'asc').limit(slot<number>('limit')),
    );
    this.#descending = database.prepare(
      'messages_descending',
      messages.where('seq', '<', slot<number>('before')).orderBy('seq', 'desc').limit(slot<number>('limit')),
    );
    this.#find = database.prepare('messages_find', messages.where('id', '=', slot<string>('id')));
  }

  async list(
    chatId: string,
    { order, after, limit }: { order: 'asc' | 'desc'; after?: number; limit: number },
  ): Promise<Page<MessageRecord, number>> {
    const rows =
      order === 'asc'
        ? await this.#ascending({ chatId, after: after ?? 0, limit: limit + 1 })
        : await this.#descending({ chatId, before: after ?? Number.MAX_SAFE_INTEGER, limit: limit + 1 });
    const more = rows.length > limit;
    if (more) rows.length = limit;
    const items = await messageRecords(this.#database.read, rows);
    return { items, next: more ? (items.at(-1)?.seq ?? null) : null };
  }

  async find(chatId: string, messageId: string): Promise<MessageRecord | null> {
    const [record] = await messageRecords(this.#database.read, await this.#find({ chatId, id: messageId }));
    return record ?? null;
  }

  async lastQuestion(chatId: string, beforeSeq: number): Promise<MessageRecord | null> {
    const rows = await this.#database.read
      .selectFrom('messages')
      .select(MESSAGE_COLUMNS)
      .where('chat_id', '=', chatId)
      .where('seq', '<', beforeSeq)
      .where('role', '=', 'user')
      .orderBy('seq', 'desc')
      .limit(1)
      .execute();
    const [record] = await messageRecords(this.#database.read, rows);
    return record ?? null;
  }

  async context(chatId: string, beforeSeq: number, limit = CONTEXT_LIMIT): Promise<MessageRecord[]> {
    const rows = await this.#descending({ chatId, before: beforeSeq, limit });
    return messageRecords(this.#database.read, rows.reverse());
  }
}
