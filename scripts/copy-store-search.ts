/** Makes findable in the target what search knows in the source. */
import type { Kysely } from 'kysely';
import type { Database } from '../src/store/database.ts';
import type { Schema } from '../src/store/schema.ts';
import type { SearchIndex, SearchText } from '../src/store/search-index.ts';
import { storableText } from '../src/store/storable-text.ts';
import type { Row } from './copy-store-rows.ts';

/** Rows of one step: their texts are in memory together. */
export const SEARCH_STEP = 100;

/** Texts of rows of `search_documents`. */
export async function textsOf({ read }: Database, documents: readonly Row[]): Promise<SearchText[]> {
  const chats = await read
    .selectFrom('chats')
    .select(['id', 'user_id', 'title'])
    .where('id', 'in', [...new Set(documents.map((row) => String(row.chat_id)))])
    .execute();
  const sources = documents.map((row) => String(row.source)).filter((source) => source !== '');
  const messages =
    sources.length === 0
      ? []
      : await read.selectFrom('messages').select(['id', 'content']).where('id', 'in', sources).execute();
  const chatOf = new Map(chats.map((chat) => [chat.id, chat]));
  const contentOf = new Map(messages.map(({ id, content }) => [id, content]));
  return documents.map((row) => {
    const [chat, source] = [chatOf.get(String(row.chat_id)), String(row.source)];
    const text = source === '' ? chat?.title : contentOf.get(source);
    return { chatId: String(row.chat_id), userId: chat?.user_id ?? '', source, text: storableText(text ?? '') };
  });
}

export async function makeFindable(
  trx: Kysely<Schema>,
  search: SearchIndex,
  texts: readonly SearchText[],
): Promise<void> {
  for (const text of texts) await search.add(trx, text);
}
