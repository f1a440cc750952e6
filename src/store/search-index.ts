/**
 * Search over titles and messages: FTS5 on SQLite, a tsvector on PostgreSQL, over the same words (`search-tokens.ts`).
 * Every word is stored with its user in front, so that looking one up reads only that user's part of the index, however
 * many others say the same word.
 */
import { type Expression, type Kysely, type RawBuilder, sql } from 'kysely';
import { type Database, type Statement, slot } from './database.ts';
import type { Engine } from './migrations/migration.ts';
import type { Schema } from './schema.ts';
import { type SearchTerm, searchTokens, searchWords } from './search-tokens.ts';

/** A text to be found: a chat's title (`source` is empty) or a message of it (`source` is its id). */
export interface SearchText {
  chatId: string;
  userId: string;
  source: string;
  text: string;
}

/** A history that was copied from one chat of a user to another, place by place. */
export interface HistoryCopy {
  from: string;
  to: string;
  userId: string;
}

/** Texts held in memory at once while a history is copied. */
const COPY_STEP = 100;

/** The writing side of search. */
export class SearchIndex {
  readonly #engine: Engine;
  readonly #forget: Statement<unknown>;
  readonly #remember: Statement<{ id: number }>;
  readonly #index: Statement<unknown>;

  constructor(database: Database) {
    this.#engine = database.engine;
    const db = database.read;
    const [chatId, source] = [slot<string>('chatId'), slot<string>('source')];
    this.#forget = database.statement(
      'search_forget',
      db.deleteFrom('search_documents').where('chat_id', '=', chatId).where('source', '=', source),
    );
    this.#remember = database.statement(
      'search_remember',
      database.engine === 'postgres'
        ? query<{ id: number }>(
            db,
            sql`insert into search_documents (chat_id, source, words)
            values (${chatId}, ${source}, array_to_tsvector(string_to_array(${slot('words')}, ' ')))`,
          )
        : db.insertInto('search_documents').values({ chat_id: chatId, source }).returning('id'),
    );
    this.#index = database.statement(
      'search_index',
      query(db, sql`insert into search_index (rowid, words) values (${slot('id')}, ${slot('words')})`),
    );
  }

  /** Makes a title findable, instead of the one before. Belongs to the transaction that stores it. */
  async replaceTitle(trx: Kysely<Schema>, chat: { id: string; user_id: string }, title: string): Promise<void> {
    await this.#forget(trx, { chatId: chat.id, source: '' });
    await this.add(trx, { chatId: chat.id, userId: chat.user_id, source: '', text: title });
  }

  /** Makes the messages of a copied history findable, as they are in the original. */
  async copyMessages(trx: Kysely<Schema>, { from, to, userId }: HistoryCopy): Promise<void> {
    if (this.#engine === 'postgres') {
      await sql`insert into search_documents (chat_id, source, words)
        select ${to}, copy.id, d.words from messages copy
        join messages original on original.chat_id = ${from} and original.seq = copy.seq
        join search_documents d on d.chat_id = ${from} and d.source = original.id
        where copy.chat_id = ${to}`.execute(trx);
      return;
    }
    // An index without the texts cannot be copied: the words are made again.
    for (let after = 0; ; ) {
      const rows = await trx
        .selectFrom('messages')
        .select(['id', 'seq', 'content'])
        .where('chat_id', '=', to)
        .where('seq', '>', after)
        .orderBy('seq')
        .limit(COPY_STEP)
        .execute();
      for (const { id, content } of rows) await this.add(trx, { chatId: to, userId, source: id, text: content });
      after = rows.at(-1)?.seq ?? after;
      if (rows.length < COPY_STEP) return;
    }
  }

  /** Makes a new text findable. Belongs to the transaction that stores it. */
  async add(trx: Kysely<Schema>, { chatId, userId, source, text }: SearchText): Promise<void> {
    const words = searchTokens(text)
      .map((token) => scoped(userId, token))
      .join(' ');
    const { rows } = await this.#remember(trx, { chatId, source, words });
    if (this.#engine === 'sqlite') await this.#index(trx, { id: rows[0]?.id ?? null, words });
  }
}

function query<Row>(db: Kysely<Schema>, raw: RawBuilder<Row>) {
  return { compile: () => raw.compile(db) };
}

/**
 * Conditions that a chat of `userId` has to meet for `query`: for each word, some text of the chat has it. Null: nothing
 * in `query` can be found.
 */
export function chatMatches(engine: Engine, userId: string, query: string): Expression<boolean>[] | null {
  const words = searchWords(query);
  if (words.length === 0) return null;
  return words.map((terms) =>
    engine === 'postgres'
      ? sql<boolean>`chats.id in (select d.chat_id from search_documents d
          where d.words @@ ${tsquery(userId, terms)}::tsquery)`
      : sql<boolean>`chats.id in (select d.chat_id from search_index i join search_documents d on d.id = i.rowid
          where i.search_index match ${fts5Query(userId, terms)})`,
  );
}

/**
 * Condition that a document `d` (on SQLite with its row `i` of the index) has to meet for `query`: it has one of the words.
 * Null: nothing in `query` can be found.
 */
export function documentMatches(engine: Engine, userId: string, query: string): RawBuilder<boolean> | null {
  const words = searchWords(query);
  if (words.length === 0) return null;
  return engine === 'postgres'
    ? sql<boolean>`d.words @@ ${words.map((terms) => `(${tsquery(userId, terms)})`).join(' | ')}::tsquery`
    : sql<boolean>`i.search_index match ${words.map((terms) => `(${fts5Query(userId, terms)})`).join(' OR ')}`;
}

// Both query languages are safe to write into: a scoped word is letters, digits, pictographs, `_` and `:`, and is quoted.

function fts5Query(userId: string, terms: SearchTerm[]): string {
  return terms.map(({ text, prefix }) => `"${scoped(userId, text)}"${prefix ? ' *' : ''}`).join(' AND ');
}

function tsquery(userId: string, terms: SearchTerm[]): string {
  return terms.map(({ text, prefix }) => `'${scoped(userId, text)}'${prefix ? ':*' : ''}`).join(' & ');
}

/** Users with the same scope would only cost each other time: the query asks for the user's chats besides. */
function scoped(userId: string, token: string): string {
  return `${userId.replace(/[^0-9a-z]/gi, '_').toLowerCase()}:${token}`;
}
