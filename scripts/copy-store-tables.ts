/** What an installation consists of, in the order in which it can be put in: whatever is referred to comes first. */
import { sql } from 'kysely';
import type { Database } from '../src/store/database.ts';
import { COPY_PROGRESS } from '../src/store/unfinished-copy.ts';

/** One table, copied by the order of its key, which is the same on both engines. */
export interface CopiedTable {
  readonly name: string;
  readonly key: readonly string[];
  /** Its ids are given out by the database. */
  readonly identity?: true;
}

export const COPIED_TABLES: readonly CopiedTable[] = [
  { name: 'users', key: ['id'] },
  { name: 'credentials', key: ['user_id'] },
  { name: 'web_sessions', key: ['id_hash'] },
  { name: 'api_tokens', key: ['id'] },
  { name: 'signing_keys', key: ['generation'] },
  { name: 'chats', key: ['id'] },
  { name: 'messages', key: ['chat_id', 'seq'] },
  { name: 'attachments', key: ['message_id', 'position'] },
  { name: 'turns', key: ['id'] },
  { name: 'turn_events', key: ['turn_id', 'first_id'] },
  { name: 'idempotency_keys', key: ['user_id', 'key'] },
  { name: 'usage_records', key: ['id'] },
  { name: 'session_files', key: ['id'], identity: true },
  { name: 'session_file_chunks', key: ['file_id', 'position'] },
  { name: 'deleted_sessions', key: ['session'] },
  { name: 'job_runs', key: ['name'] },
  { name: 'audit_events', key: ['id'] },
];

/** What search knows. Its words are made anew from titles and messages: the engines keep them in ways of their own. */
export const SEARCH_TABLE: CopiedTable = { name: 'search_documents', key: ['chat_id', 'source'] };

/** Made by the target itself, or worth nothing elsewhere; and the inside of SQLite's search. */
const LEFT_TABLES =
  /^(schema_migrations|store_pings|rate_counts|sqlite_sequence|search_index(_(data|idx|content|docsize|config))?)$/;

/** Names of tables, of which nobody has said whether they are copied. */
export function unknownAmong(tables: readonly string[]): string[] {
  const known = new Set([...COPIED_TABLES, SEARCH_TABLE].map(({ name }) => name)).add(COPY_PROGRESS);
  return tables.filter((name) => !known.has(name) && !LEFT_TABLES.test(name));
}

/** Names of all tables. */
export async function tablesOf({ engine, read }: Database): Promise<string[]> {
  const query =
    engine === 'postgres'
      ? sql<{ name: string }>`select tablename as name from pg_tables where schemaname = current_schema()`
      : sql<{ name: string }>`select name from sqlite_schema where type = 'table'`;
  const { rows } = await query.execute(read);
  return rows.map(({ name }) => name);
}

/** A column of a table; texts are what rows may be big by. */
export interface Column {
  readonly name: string;
  readonly isText: boolean;
}

/** Columns of `table`, by name. */
export async function columnsOf({ engine, read }: Database, table: string): Promise<Column[]> {
  const query =
    engine === 'postgres'
      ? sql<{ name: string; type: string }>`select column_name as name, data_type as type
          from information_schema.columns where table_schema = current_schema() and table_name = ${table}`
      : sql<{ name: string; type: string }>`select name, lower(type) as type from pragma_table_info(${table})`;
  const { rows } = await query.execute(read);
  const columns = rows.map(({ name, type }) => ({ name, isText: type === 'text' }));
  return columns.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
