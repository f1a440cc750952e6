/** Chats: made, listed, searched, changed, removed. */
import type { Insertable, Kysely } from 'kysely';
import { GatewayError } from '../errors.ts';
import { deleteChats } from './chat-deletion.ts';
import { CHAT_COLUMNS, type ChatRow, ownedChat } from './chat-record.ts';
import { type Database, type PreparedQuery, slot } from './database.ts';
import type { ChatTable, Schema } from './schema.ts';
import { chatMatches, type SearchIndex } from './search-index.ts';
import { storableText } from './storable-text.ts';
import type { ChatChanges, ChatKey, ChatRepository, OwnedChat, Page } from './store.ts';
import { isForeignKeyViolation, isUniqueViolation } from './store-errors.ts';

/** {@link ChatRepository} on either engine. */
export class SqlChatRepository implements ChatRepository {
  readonly #database: Database;
  readonly #search: SearchIndex;
  readonly #findOwned: PreparedQuery<Omit<ChatRow, 'next_seq'>>;
  readonly #findBySession: PreparedQuery<Omit<ChatRow, 'next_seq'>>;

  constructor(database: Database, search: SearchIndex) {
    this.#database = database;
    this.#search = search;
    const chats = database.read.selectFrom('chats').select(CHAT_COLUMNS).where('user_id', '=', slot<string>('userId'));
    this.#findOwned = database.prepare('chats_find_owned', chats.where('id', '=', slot<string>('chatId')));
    this.#findBySession = database.prepare(
      'chats_find_by_session',
      chats.where('session_id', '=', slot<string>('sessionId')),
    );
  }

  async create(chat: Parameters<ChatRepository['create']>[0]): Promise<OwnedChat> {
    const { title } = chat;
    try {
      return await this.#database.transaction(async (trx) => {
        const row = await trx
          .insertInto('chats')
          .values(newChat(chat))
          .returning(CHAT_COLUMNS)
          .executeTakeFirstOrThrow();
        if (title !== null) await this.#search.replaceTitle(trx, row, title);
        return ownedChat(row);
      });
    } catch (error) {
      if (isUniqueViolation(error)) {
        throw new GatewayError('conflict', 'You already have a chat with this session id.', { cause: error });
      }
      throw userGone(error);
    }
  }

  async findOrCreateBySessionId(
    userId: string,
    sessionId: string,
    fresh: { id: string; model: string | null; now: number },
  ): Promise<{ chat: OwnedChat; created: boolean }> {
    const found = await this.findBySessionId(userId, sessionId);
    if (found) return { chat: found, created: false };
    const values = newChat({ ...fresh, userId, sessionId, title: null, systemPrompt: null });
    try {
      const row = await this.#database.write((db) =>
        db
          .insertInto('chats')
          .values(values)
          .onConflict((conflict) => conflict.columns(['user_id', 'session_id']).doNothing())
          .returning(CHAT_COLUMNS)
          .executeTakeFirst(),
      );
      if (row) return { chat: ownedChat(row), created: true };
    } catch (error) {
      throw userGone(error);
    }
    // Someone else made it since we looked; or made it and deleted it, then the caller may try again.
    const theirs = await this.findBySessionId(userId, sessionId);
    if (!theirs) throw new GatewayError('conflict', 'This chat was removed just now. Try again.', { retryAfter: 1 });
    return { chat: theirs, created: false };
  }

  async findBySessionId(userId: string, sessionId: string): Promise<OwnedChat | null> {
    const [row] = await this.#findBySession({ userId, sessionId });
    return row ? ownedChat(row) : null;
  }

  async findOwned(userId: string, chatId: string): Promise<OwnedChat | null> {
    const [row] = await this.#findOwned({ userId, chatId });
    return row ? ownedChat(row) : null;
  }

  async list(
    userId: string,
    { q = '', after, limit, archived, pinned }: Parameters<ChatRepository['list']>[1],
  ): Promise<Page<OwnedChat, ChatKey>> {
    let query = this.#database.read.selectFrom('chats').select(CHAT_COLUMNS).where('user_id', '=', userId);
    if (archived !== undefined) query = query.where('archived', '=', archived ? 1 : 0);
    // Without an index of its own: to pass over all 10,000 chats of one person takes SQLite 4 ms.
    if (pinned !== undefined) query = query.where('pinned', '=', pinned ? 1 : 0);
    if (after) {
      query = query.where((eb) => eb(eb.refTuple('updated_at', 'id'), '<', eb.tuple(after.updatedAt, after.id)));
    }
    if (q.trim() !== '') {
      const matches = chatMatches(this.#database.engine, userId, q);
      if (matches === null) return { items: [], next: null };
      for (const match of matches) query = query.where(match);
    }
    const rows = await query
      .orderBy('updated_at', 'desc')
      .orderBy('id', 'desc')
      .limit(limit + 1)
      .execute();
    const items = rows.slice(0, limit).map(ownedChat);
    const last = items.at(-1);
    return { items, next: rows.length > limit && last ? { updatedAt: last.updatedAt, id: last.id } : null };
  }

  async update(userId: string, chatId: string, changes: ChatChanges, now: number): Promise<OwnedChat | null> {
    const { title, model, pinned, archived } = changes;
    return this.#database.transaction(async (trx) => {
      const row = await trx
        .updateTable('chats')
        .set({
          updated_at: now,
          ...(title === undefined ? {} : { title: storableText(title), title_source: 'user' as const }),
          ...(model === undefined ? {} : { model }),
          ...(pinned === undefined ? {} : { pinned: pinned ? 1 : 0 }),
          ...(archived === undefined ? {} : { archived: archived ? 1 : 0 }),
        })
        .where('user_id', '=', userId)
        .where('id', '=', chatId)
        .returning(CHAT_COLUMNS)
        .executeTakeFirst();
      if (!row) return null;
      if (title !== undefined) await this.#search.replaceTitle(trx, row, title);
      return ownedChat(row);
    });
  }

  async setAutoTitle(chatId: string, title: string, now: number): Promise<boolean> {
    const text = storableText(title);
    return this.#database.transaction(async (trx) => {
      const row = await trx
        .updateTable('chats')
        .set({ title: text, title_source: 'auto', updated_at: now })
        .where('id', '=', chatId)
        .where('title_source', '!=', 'user')
        .where((eb) => eb.or([eb('title', 'is', null), eb('title', '!=', text)]))
        .returning(['id', 'user_id'])
        .executeTakeFirst();
      if (row) await this.#search.replaceTitle(trx, row, text);
      return row !== undefined;
    });
  }

  async bumpContextVersion(chatId: string): Promise<void> {
    await this.#database.write((db) =>
      db
        .updateTable('chats')
        .set((eb) => ({ context_version: eb('context_version', '+', 1) }))
        .where('id', '=', chatId)
        .execute(),
    );
  }

  async delete(userId: string, chatId: string): Promise<boolean> {
    return this.#database.transaction(async (trx) => {
      const found = await this.#lock(trx, userId, chatId);
      if (found) await deleteChats(trx, [chatId]);
      return found;
    });
  }

  async deleteUnused(userId: string, chatId: string): Promise<boolean> {
    return this.#database.transaction(async (trx) => {
      // A message is taken under the same lock: it is seen here, or it finds no chat.
      if (!(await this.#lock(trx, userId, chatId))) return false;
      for (const table of ['messages', 'turns'] as const) {
        const one = trx.selectFrom(table).select('id').where('chat_id', '=', chatId).limit(1);
        if ((await one.executeTakeFirst()) !== undefined) return false;
      }
      await deleteChats(trx, [chatId]);
      return true;
    });
  }

  /** False: not there. SQLite's one writer needs no lock. */
  async #lock(trx: Kysely<Schema>, userId: string, chatId: string): Promise<boolean> {
    const row = await trx
      .selectFrom('chats')
      .select('id')
      .where('user_id', '=', userId)
      .where('id', '=', chatId)
      .$if(this.#database.engine === 'postgres', (query) => query.forUpdate())
      .executeTakeFirst();
    return row !== undefined;
  }

  async expired(before: number, limit: number): Promise<{ id: string; userId: string }[]> {
    const rows = await this.#database.read
      .selectFrom('chats')
      .select(['id', 'user_id'])
      .where('updated_at', '<', before)
      .orderBy('updated_at')
      .orderBy('id')
      .limit(limit)
      .execute();
    return rows.map((row) => ({ id: row.id, userId: row.user_id }));
  }
}

function newChat(chat: Parameters<ChatRepository['create']>[0]): Insertable<ChatTable> {
  return {
    id: chat.id,
    user_id: chat.userId,
    session_id: chat.sessionId,
    title: chat.title === null ? null : storableText(chat.title),
    title_source: chat.title === null ? 'none' : 'user',
    model: chat.model,
    system_prompt: chat.systemPrompt === null ? null : storableText(chat.systemPrompt),
    pinned: 0,
    archived: 0,
    created_at: chat.now,
    updated_at: chat.now,
    context_version: 0,
    next_seq: 1,
  };
}

/** An erased person's request in flight: they are signed out, whatever they asked. */
export function userGone(error: unknown): unknown {
  if (!isForeignKeyViolation(error)) return error;
  return new GatewayError('unauthenticated', 'This account no longer exists.', { cause: error });
}
