/**
 * Search over titles and messages: FTS5 on SQLite, a tsvector on PostgreSQL, over the same words (`search-tokens.ts`).
 * Every word is stored with its user in front, so that looking one up reads only that user's part of the index, however
 * many others say the same word.
 */
import { type Expression, type Kysely, sql } from 'kysely';
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

/** Makes `text` findable, instead of what its source said before. Belongs to the transaction that stores the text. */
export async function indexText(engine: Engine, trx: Kysely<Schema>, text: SearchText): Promise<void> {
  const words = searchTokens(text.text).map((token) => scoped(text.userId, token));
  if (engine === 'postgres') {
    await sql`insert into search_documents (chat_id, source, words)
      values (${text.chatId}, ${text.source}, array_to_tsvector(${words}::text[]))
      on conflict (chat_id, source) do update set words = excluded.words`.execute(trx);
    return;
  }
  if (text.source === '') {
    await trx.deleteFrom('search_documents').where('chat_id', '=', text.chatId).where('source', '=', '').execute();
  }
  const { id } = await trx
    .insertInto('search_documents')
    .values({ chat_id: text.chatId, source: text.source })
    .returning('id')
    .executeTakeFirstOrThrow();
  await sql`insert into search_index (rowid, words) values (${id}, ${words.join(' ')})`.execute(trx);
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
