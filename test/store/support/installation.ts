/** A whole installation with rows in every table, and with every kind of value that an engine may keep in its own way. */
import { randomUUIDv7 } from 'node:crypto';
import { type Insertable, sql } from 'kysely';
import { tablesOf } from '../../../scripts/copy-store-tables.ts';
import type { Database } from '../../../src/store/database.ts';
import type { Schema } from '../../../src/store/schema.ts';
import { SearchIndex } from '../../../src/store/search-index.ts';

/** How big it is. */
export interface InstallationSize {
  readonly chats: number;
  readonly messages: number;
  /** Bytes of each chat's image. */
  readonly imageBytes?: number;
}

const USERS = ['1001', '1002'];
const BIG = Number.MAX_SAFE_INTEGER;
/** What is easily lost on the way: quotes, escapes, other planes, letters that fold, and U+FFFD itself. */
export const ODD = '\'"\\ \n\t\r {} $1 ? %s 🐳 ÅéȘ ﬁ \u0001\u007f\u0085\u2028\ufeff\uffff \ufffd \u{10ffff}';

/** Fills an empty database whose schema is up to date. */
export async function fillInstallation(database: Database, size: InstallationSize): Promise<void> {
  await fillPeople(database);
  const search = new SearchIndex(database);
  for (let index = 0; index < size.chats; index += 1) await fillChat(database, search, index, size);
  await fillOperations(database);
}

async function put<Name extends keyof Schema & string>(
  database: Database,
  table: Name,
  rows: Insertable<Schema[Name]>[],
): Promise<void> {
  await database.write((db) =>
    db
      .insertInto(table)
      .values(rows as never)
      .execute(),
  );
}

async function fillPeople(database: Database): Promise<void> {
  const times = { created_at: 1, updated_at: BIG };
  await put(database, 'users', [
    { id: '1001', login: 'mona', name: ODD, avatar_url: null, ...times, blocked_at: null, valid_after: 0 },
    { id: '1002', login: 'hubot', name: null, avatar_url: '', ...times, blocked_at: 7, valid_after: 9 },
  ]);
  await put(database, 'credentials', [
    {
      ...{ user_id: '1001', sealed: 'sealed', key_id: 'k', version: 3, expires_at: null },
      ...{ rejected_at: null, checked_at: 5, updated_at: 6 },
    },
  ]);
  const session = { data: ODD, user_agent: null, address: '::1', created_at: 1, last_seen_at: 2, expires_at: 3 };
  await put(database, 'web_sessions', [
    { id_hash: 'a', public_id: 'p', user_id: '1001', ...session, ended_at: null },
    { id_hash: 'B', public_id: 'q', user_id: null, ...session, ended_at: 4 },
  ]);
  await put(database, 'api_tokens', [
    { id: 't', user_id: '1002', name: ODD, scopes: '["a"]', created_at: 1, expires_at: 2, last_used_at: null },
  ]);
  await put(database, 'signing_keys', [
    { generation: 2, kid: 'kid', public_jwk: '{}', sealed: 's', sealed_with: 'k', created_at: 1, retires_at: 2 },
  ]);
}

async function fillChat(database: Database, search: SearchIndex, index: number, size: InstallationSize): Promise<void> {
  const [id, userId] = [randomUUIDv7(), USERS[index % 2] ?? ''];
  const title = index % 3 === 0 ? null : `Chat ${index} ${ODD}`;
  await put(database, 'chats', [
    {
      ...{ id, user_id: userId, session_id: index % 2 === 0 ? null : `own-${index}`, title },
      ...{ title_source: title === null ? 'none' : 'user', model: null, system_prompt: index % 5 === 0 ? ODD : null },
      ...{ pinned: index % 2, archived: 0, created_at: index, updated_at: index, context_version: 1, next_seq: 99 },
    },
  ]);
  const turnId = randomUUIDv7();
  const messages = Array.from({ length: size.messages }, (_, place) => ({
    ...{ chat_id: id, seq: place + 1, id: randomUUIDv7(), turn_id: turnId, content: `word${place} ${ODD}` },
    ...{ role: place % 2 === 0 ? ('user' as const) : ('assistant' as const), model: place % 2 === 0 ? null : 'm' },
    ...{ status: 'complete' as const, attachment_count: place === 0 ? 1 : 0, created_at: place },
  }));
  await put(database, 'messages', messages);
  await database.transaction(async (trx) => {
    if (title !== null) await search.add(trx, { chatId: id, userId, source: '', text: title });
    for (const { id: source, content } of messages)
      await search.add(trx, { chatId: id, userId, source, text: content });
  });
  await put(database, 'attachments', [
    {
      ...{ message_id: messages[0]?.id ?? '', position: 0, mime_type: 'image/png', name: index % 2 === 0 ? null : ODD },
      data: 'QUJD'.repeat(Math.ceil((size.imageBytes ?? 40) / 4)),
    },
  ]);
  await fillTurn(database, { id: turnId, chatId: id, userId, index });
}

async function fillTurn(
  database: Database,
  { id, chatId, userId, index }: { id: string; chatId: string; userId: string; index: number },
): Promise<void> {
  await put(database, 'turns', [
    {
      ...{ id, chat_id: chatId, user_id: userId, status: 'completed', user_message_id: 'u', message_id: null },
      ...{ model: null, created_at: 1, started_at: null, ended_at: 3, error: index % 2 === 0 ? null : '{"a":1}' },
      ...{ answer_seq: 2, cancel_requested_at: null, owner: 'o', fence: 4, heartbeat_at: BIG, background: index % 2 },
      last_frame_id: 12,
    },
  ]);
  const frames = JSON.stringify(['message.delta', JSON.stringify({ text: ODD })]);
  await put(database, 'turn_events', [
    // 9 before 12 by number, after it by letters
    { turn_id: id, first_id: 9, last_id: 11, frames },
    { turn_id: id, first_id: 12, last_id: 12, frames },
  ]);
  await put(database, 'idempotency_keys', [
    { user_id: userId, key: `${index}${ODD}`, body_hash: 'h', turn_id: id, created_at: 1 },
  ]);
  const cost = [0.1 + 0.2, null, 1e-300, 3][index % 4] ?? null;
  await put(database, 'usage_records', [
    {
      ...{ id: randomUUIDv7(), turn_id: index % 2 === 0 ? null : id, chat_id: null, user_id: userId, model: null },
      ...{ input_tokens: BIG, output_tokens: 0, cached_tokens: 0, cost, created_at: 1 },
    },
  ]);
  await fillFiles(database, `user-${userId}-${chatId}`, chatId);
}

async function fillFiles(database: Database, session: string, chatId: string): Promise<void> {
  const file = { session, chat_id: chatId, parent: '/', size: 3, created_at: 1, modified_at: 2 };
  const ids = await database.write((db) =>
    db
      .insertInto('session_files')
      .values([
        { ...file, path: '/events.jsonl', kind: 'file', next_chunk: 2 },
        { ...file, path: `/${ODD}`, kind: 'directory', next_chunk: 0 },
      ])
      .returning('id')
      .execute(),
  );
  const file_id = ids[0]?.id ?? 0;
  await put(database, 'session_file_chunks', [
    { file_id, position: 0, content: ODD },
    { file_id, position: 1, content: '' },
  ]);
}

async function fillOperations(database: Database): Promise<void> {
  await put(database, 'deleted_sessions', [{ session: 'user-1001-gone' }]);
  await put(database, 'job_runs', [
    {
      ...{ name: 'sweep', owner: null, locked_until: 0, due_at: BIG, started_at: 1, ended_at: 2 },
      ...{ outcome: 'ok', detail: '{"deleted":1}', failures: 0 },
    },
  ]);
  await put(database, 'audit_events', [
    { id: 'e', at: 1, action: 'sign-in', actor: null, subject: '1001', detail: ODD },
  ]);
}

/** Everything of an installation, whatever the engine: rows of all tables that are worth keeping, in one order. */
export async function everythingOf(database: Database): Promise<Record<string, string[]>> {
  const all: Record<string, string[]> = {};
  for (const table of await tablesOf(database)) {
    if (/^(schema_migrations|store_pings|rate_counts|sqlite_sequence|search_index.*)$/.test(table)) continue;
    const what = table === 'search_documents' ? sql`chat_id, source` : sql`*`;
    const { rows } = await sql<object>`select ${what} from ${sql.table(table)}`.execute(database.read);
    all[table] = rows.map((row) => JSON.stringify(Object.entries(row).toSorted())).toSorted();
  }
  return all;
}
