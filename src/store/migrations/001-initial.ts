/**
 * The first schema. Written as SQL with a few words that differ by engine (`dialectWords`), because partial indexes,
 * clustering and full-text search are the point of it and no builder says them better.
 *
 * Keys are compared bytewise on both engines (`collate "C"`), so that keyset order is the same everywhere.
 */
import { dialectWords, type Migration } from './migration.ts';

const w = dialectWords;

const PEOPLE = [
  `create table users (
    id ${w.key} primary key, login text not null, name text, avatar_url text,
    created_at ${w.int8} not null, updated_at ${w.int8} not null,
    blocked_at ${w.int8}, valid_after ${w.int8} not null default 0
  ) ${w.strict}`,
  `create table credentials (
    user_id ${w.key} primary key references users (id) on delete cascade,
    sealed text not null, key_id ${w.key} not null, version ${w.int8} not null,
    expires_at ${w.int8}, rejected_at ${w.int8}, checked_at ${w.int8} not null, updated_at ${w.int8} not null
  ) ${w.strict}`,
  'create index credentials_by_check on credentials (checked_at)',
  // Tombstones survive their user (set null): an erased person's request in flight cannot revive a session either.
  `create table web_sessions (
    id_hash ${w.key} primary key, public_id ${w.key} not null unique,
    user_id ${w.key} references users (id) on delete set null,
    data text not null, user_agent text, address text,
    created_at ${w.int8} not null, last_seen_at ${w.int8} not null, expires_at ${w.int8} not null, ended_at ${w.int8}
  ) ${w.strict}`,
  'create index web_sessions_of_user on web_sessions (user_id, last_seen_at)',
  'create index web_sessions_by_end on web_sessions (expires_at)',
  'create index web_sessions_by_use on web_sessions (last_seen_at)',
  `create table api_tokens (
    id ${w.key} primary key, user_id ${w.key} not null references users (id) on delete cascade,
    name text not null, scopes text not null,
    created_at ${w.int8} not null, expires_at ${w.int8} not null, last_used_at ${w.int8}
  ) ${w.strict}`,
  'create index api_tokens_of_user on api_tokens (user_id, created_at, id)',
  'create index api_tokens_by_end on api_tokens (expires_at)',
];

const CHATS = [
  `create table chats (
    id ${w.key} primary key, user_id ${w.key} not null references users (id) on delete cascade,
    session_id ${w.key}, title text, title_source text not null, model text, system_prompt text,
    pinned integer not null default 0, archived integer not null default 0,
    created_at ${w.int8} not null, updated_at ${w.int8} not null,
    context_version ${w.int8} not null default 0, next_seq ${w.int8} not null default 1
  ) ${w.strict}`,
  'create unique index chats_by_session on chats (user_id, session_id)',
  'create index chats_of_user on chats (user_id, updated_at, id)',
  'create index chats_by_activity on chats (updated_at, id)',
  // Clustered by place on SQLite: a page of history is a few neighbouring pages of the file, however many rows there are.
  `create table messages (
    chat_id ${w.key} not null references chats (id) on delete cascade, seq ${w.int8} not null,
    id ${w.key} not null unique, turn_id ${w.key} not null,
    role text not null, content text not null, model text, status text not null,
    attachment_count integer not null default 0, created_at ${w.int8} not null,
    primary key (chat_id, seq)
  ) ${w.clustered}`,
  `create table attachments (
    message_id ${w.key} not null references messages (id) on delete cascade, position integer not null,
    mime_type text not null, name text, data text not null,
    primary key (message_id, position)
  ) ${w.strict}`,
];

const TURNS = [
  `create table turns (
    id ${w.key} primary key, chat_id ${w.key} not null references chats (id) on delete cascade,
    user_id ${w.key} not null, status text not null, user_message_id ${w.key} not null, message_id ${w.key},
    model text, created_at ${w.int8} not null, started_at ${w.int8}, ended_at ${w.int8}, error text,
    answer_seq ${w.int8} not null, cancel_requested_at ${w.int8}, owner text, fence ${w.int8} not null default 0,
    heartbeat_at ${w.int8}, background integer not null default 0, last_frame_id ${w.int8} not null default 0
  ) ${w.strict}`,
  // The rule itself: a chat runs one turn at a time, whoever asks.
  "create unique index turns_one_running on turns (chat_id) where status = 'running'",
  'create index turns_of_chat on turns (chat_id, answer_seq)',
  'create index turns_active_of_user on turns (user_id) where ended_at is null',
  'create index turns_active_of_chat on turns (chat_id, answer_seq) where ended_at is null',
  'create index turns_with_frames on turns (ended_at) where last_frame_id > 0',
  `create table turn_events (
    turn_id ${w.key} not null references turns (id) on delete cascade,
    first_id ${w.int8} not null, last_id ${w.int8} not null, frames text not null,
    primary key (turn_id, first_id)
  ) ${w.strict}`,
  `create table idempotency_keys (
    user_id ${w.key} not null references users (id) on delete cascade, key ${w.key} not null,
    body_hash text not null, turn_id ${w.key} not null references turns (id) on delete cascade,
    created_at ${w.int8} not null,
    primary key (user_id, key)
  ) ${w.clustered}`,
  'create index idempotency_keys_of_turn on idempotency_keys (turn_id)',
  'create index idempotency_keys_by_age on idempotency_keys (created_at)',
  `create table usage_records (
    id ${w.key} primary key, turn_id ${w.key} not null, chat_id ${w.key} not null,
    user_id ${w.key} not null references users (id) on delete cascade, model text,
    input_tokens ${w.int8} not null, output_tokens ${w.int8} not null, cached_tokens ${w.int8} not null,
    cost ${w.float8}, created_at ${w.int8} not null
  ) ${w.strict}`,
  'create index usage_of_user on usage_records (user_id, created_at, id)',
];

const FILES = [
  `create table session_files (
    id ${w.identity}, session ${w.key} not null, chat_id ${w.key} not null,
    path ${w.key} not null, parent ${w.key} not null, kind text not null,
    size ${w.int8} not null default 0, next_chunk ${w.int8} not null default 0,
    created_at ${w.int8} not null, modified_at ${w.int8} not null,
    unique (session, path)
  ) ${w.strict}`,
  'create index session_files_in_directory on session_files (session, parent, path)',
  'create index session_files_of_chat on session_files (chat_id, session)',
  `create table session_file_chunks (
    file_id ${w.int8} not null references session_files (id) on delete cascade, position ${w.int8} not null,
    content text not null,
    primary key (file_id, position)
  ) ${w.strict}`,
];

/** Contentless FTS5: the index alone. The ascii tokenizer takes our words as they are (folding is `search-tokens.ts`'). */
const SQLITE_SEARCH = [
  `create table search_documents (
    id integer primary key autoincrement, chat_id text not null references chats (id) on delete cascade,
    source text not null, unique (chat_id, source)
  ) strict`,
  `create virtual table search_index using fts5 (
    words, content='', contentless_delete=1, detail='none', tokenize="ascii tokenchars '_:'"
  )`,
  `create trigger search_documents_deleted after delete on search_documents begin
    delete from search_index where rowid = old.id;
  end`,
];

const POSTGRES_SEARCH = [
  `create table search_documents (
    id bigint generated always as identity primary key,
    chat_id text collate "C" not null references chats (id) on delete cascade,
    source text collate "C" not null, words tsvector not null, unique (chat_id, source)
  )`,
  'create index search_documents_by_word on search_documents using gin (words)',
];

const PING = [`create table store_pings (id integer primary key, pinged_at ${w.int8} not null) ${w.strict}`];

/** Everything of version 1. */
export const initial: Migration = {
  version: 1,
  name: 'initial',
  statements: (engine) => [
    ...PEOPLE,
    ...CHATS,
    ...TURNS,
    ...FILES,
    ...(engine === 'sqlite' ? SQLITE_SEARCH : POSTGRES_SEARCH),
    ...PING,
  ],
};
