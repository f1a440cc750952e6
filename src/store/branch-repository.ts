/** Chats made of a history that is there already: copied from another chat, or brought along in a file. */
import { randomUUIDv7 } from 'node:crypto';
import { type Insertable, type Kysely, type RawBuilder, sql } from 'kysely';
import { CHAT_COLUMNS, type ChatRow, ownedChat } from './chat-record.ts';
import { userGone } from './chat-repository.ts';
import type { Database } from './database.ts';
import { saveAttachments } from './message-record.ts';
import type { Engine } from './migrations/migration.ts';
import type { ChatTable, MessageTable, Schema } from './schema.ts';
import type { SearchIndex } from './search-index.ts';
import { storableText } from './storable-text.ts';
import type { BranchRepository, Fork, ForkOutcome, ImportedChat, OwnedChat } from './store.ts';

type Transaction = Kysely<Schema>;

/** Rows of one statement: PostgreSQL binds 65,535 values at most. */
const STEP = 500;

/** {@link BranchRepository} on either engine. */
export class SqlBranchRepository implements BranchRepository {
  readonly #database: Database;
  readonly #search: SearchIndex;

  constructor(database: Database, search: SearchIndex) {
    this.#database = database;
    this.#search = search;
  }

  fork(fork: Fork): Promise<ForkOutcome> {
    return this.#database.transaction(async (trx) => {
      const source = await trx
        .selectFrom('chats')
        .select(CHAT_COLUMNS)
        .where('user_id', '=', fork.userId)
        .where('id', '=', fork.chatId)
        // A turn that replaces the end of the history has to wait, or be waited for.
        .$if(this.#database.engine === 'postgres', (query) => query.forShare())
        .executeTakeFirst();
      if (!source) return { kind: 'chat_gone' };
      const last = await lastPlace(trx, fork);
      if (last === null) return { kind: 'message_gone' };
      if (await isTooLong(trx, fork, last)) return { kind: 'too_long' };
      const chat = await this.#createChat(trx, forkedChat(source, fork, last));
      await copyMessages(trx, this.#database.engine, { from: source.id, to: chat.id, last });
      await this.#search.copyMessages(trx, { from: source.id, to: chat.id, userId: fork.userId });
      return { kind: 'forked', chat };
    });
  }

  async import(chat: ImportedChat): Promise<OwnedChat> {
    const attempt = this.#database.transaction(async (trx) => {
      const { messages, userId } = chat;
      const created = await this.#createChat(trx, importedChat(chat));
      for (let at = 0; at < messages.length; at += STEP) {
        const rows = messages.slice(at, at + STEP).map((message, index) => messageRow(chat, message, at + index + 1));
        await trx.insertInto('messages').values(rows).execute();
      }
      for (const { id, content, attachments } of messages) {
        await saveAttachments(trx, id, attachments);
        await this.#search.add(trx, { chatId: chat.id, userId, source: id, text: storableText(content) });
      }
      return created;
    });
    return attempt.catch((error: unknown) => {
      throw userGone(error);
    });
  }

  async #createChat(trx: Transaction, values: Insertable<ChatTable>): Promise<OwnedChat> {
    const row = await trx.insertInto('chats').values(values).returning(CHAT_COLUMNS).executeTakeFirstOrThrow();
    if (row.title !== null) await this.#search.replaceTitle(trx, row, row.title);
    return ownedChat(row);
  }
}

/** Place of the last message to copy; 0: there is none; null: the one named is not there. */
async function lastPlace(trx: Transaction, { chatId, messageId }: Fork): Promise<number | null> {
  const inChat = trx.selectFrom('messages').select('seq').where('chat_id', '=', chatId);
  if (messageId !== null) return (await inChat.where('id', '=', messageId).executeTakeFirst())?.seq ?? null;
  return (await inChat.orderBy('seq', 'desc').limit(1).executeTakeFirst())?.seq ?? 0;
}

/** On SQLite all writers wait for the copy, so that it must have an end in sight. */
async function isTooLong(trx: Transaction, { chatId, limits }: Fork, last: number): Promise<boolean> {
  const { rows } = await sql<{ messages: number; text: number; images: number }>`
    select count(*) as messages, coalesce(sum(length(m.content)), 0) as text, coalesce(sum(
      (select coalesce(sum(length(a.data)), 0) from attachments a where m.attachment_count > 0 and a.message_id = m.id)
    ), 0) as images
    from messages m where m.chat_id = ${chatId} and m.seq <= ${last}`.execute(trx);
  const found = rows[0];
  // PostgreSQL sums up to `numeric`, which arrives as text.
  return (
    found === undefined ||
    Number(found.messages) > limits.messages ||
    Number(found.text) > limits.text ||
    Number(found.images) > limits.images
  );
}

/** Messages at the places they have, with ids of their own and those of no turn: only the original's turns can be looked at. */
async function copyMessages(
  trx: Transaction,
  engine: Engine,
  { from, to, last }: { from: string; to: string; last: number },
): Promise<void> {
  await sql`
    insert into messages (chat_id, seq, id, turn_id, role, content, model, status, attachment_count, created_at)
    select ${to}, seq, ${freshId(engine)}, ${turnIdIn(engine, to)}, role, content, model, status, attachment_count,
      created_at
    from messages where chat_id = ${from} and seq <= ${last}`.execute(trx);
  await sql`
    insert into attachments (message_id, position, mime_type, name, data)
    select copy.id, a.position, a.mime_type, a.name, a.data
    from messages original
    join messages copy on copy.chat_id = ${to} and copy.seq = original.seq
    join attachments a on a.message_id = original.id
    where original.chat_id = ${from} and original.attachment_count > 0 and original.seq <= ${last}`.execute(trx);
}

/** A new UUIDv7 for each row: of this moment, then random. */
function freshId(engine: Engine): RawBuilder<string> {
  const moment = sql.lit(randomUUIDv7().slice(0, 13));
  return engine === 'postgres'
    ? sql`${moment} || '-7' || substr(gen_random_uuid()::text, 16)`
    : sql`${moment} || '-7' || substr(lower(hex(randomblob(2))), 2) || '-' || substr('89ab', 1 + (random() & 3), 1)
        || substr(lower(hex(randomblob(2))), 2) || '-' || lower(hex(randomblob(6)))`;
}

/** The same new id for all messages of a turn: the chat's, ending in the place of the first of them. */
function turnIdIn(engine: Engine, chatId: string): RawBuilder<string> {
  const first = sql`min(seq) over (partition by turn_id)`;
  const place = engine === 'postgres' ? sql`lpad(to_hex(${first}), 12, '0')` : sql`printf('%012x', ${first})`;
  return sql`${sql.lit(chatId.slice(0, 24))} || ${place}`;
}

function forkedChat(source: Omit<ChatRow, 'next_seq'>, { id, title, now }: Fork, last: number): Insertable<ChatTable> {
  const named = title === null ? {} : { title: storableText(title), title_source: 'user' as const };
  return {
    ...source,
    ...{ id, session_id: null, pinned: 0, archived: 0, context_version: 0, history_version: 0 },
    ...{ created_at: now, updated_at: now, next_seq: last + 1 },
    ...named,
  };
}

function importedChat({ id, userId, title, model, systemPrompt, createdAt, now, messages }: ImportedChat) {
  return {
    ...{ id, user_id: userId, session_id: null, model },
    title: title === null ? null : storableText(title),
    title_source: title === null ? ('none' as const) : ('user' as const),
    system_prompt: systemPrompt === null ? null : storableText(systemPrompt),
    ...{ pinned: 0, archived: 0, context_version: 0 },
    ...{ created_at: createdAt, updated_at: now, next_seq: messages.length + 1 },
  };
}

function messageRow(
  { id: chatId }: ImportedChat,
  { id, turnId, role, content, attachments, model, status, createdAt }: ImportedChat['messages'][number],
  seq: number,
): Insertable<MessageTable> {
  return {
    ...{ chat_id: chatId, seq, id, turn_id: turnId, role, content: storableText(content) },
    model: model === null ? null : storableText(model),
    ...{ status, attachment_count: attachments.length, created_at: createdAt },
  };
}
