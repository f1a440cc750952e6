/**
 * The tables as Kysely sees them: the one place where SQL names and TypeScript meet. `migrations/` creates them.
 * Times are ms since the epoch, flags 0 or 1, JSON is text, on both engines.
 */
import type { Generated } from 'kysely';
import type { MessageRecord, TurnStatus } from './records.ts';

/** People. `valid_after`: credentials of the gateway issued before it are void. */
export interface UserTable {
  id: string;
  login: string;
  name: string | null;
  avatar_url: string | null;
  created_at: number;
  updated_at: number;
  blocked_at: number | null;
  valid_after: number;
}

/** One sealed GitHub credential per user. */
export interface CredentialTable {
  user_id: string;
  sealed: string;
  key_id: string;
  version: number;
  expires_at: number | null;
  rejected_at: number | null;
  checked_at: number;
  updated_at: number;
}

/** Browser sessions and, with `ended_at`, their tombstones. */
export interface WebSessionTable {
  id_hash: string;
  public_id: string;
  user_id: string | null;
  data: string;
  user_agent: string | null;
  address: string | null;
  created_at: number;
  last_seen_at: number;
  expires_at: number;
  ended_at: number | null;
}

/** API tokens that may be used; a revoked one has no row. */
export interface ApiTokenTable {
  id: string;
  user_id: string;
  name: string;
  /** JSON array. */
  scopes: string;
  created_at: number;
  expires_at: number;
  last_used_at: number | null;
}

/** Keys that sign API tokens. */
export interface SigningKeyTable {
  generation: number;
  kid: string;
  public_jwk: string;
  sealed: string;
  sealed_with: string;
  created_at: number;
  retires_at: number;
}

/** Conversations. `next_seq` is the place the next message gets; only the holder of the row's lock moves it. */
export interface ChatTable {
  id: string;
  user_id: string;
  session_id: string | null;
  title: string | null;
  title_source: 'none' | 'auto' | 'user';
  model: string | null;
  system_prompt: string | null;
  pinned: number;
  archived: number;
  created_at: number;
  updated_at: number;
  context_version: number;
  next_seq: number;
  /** Counts every change of the messages. */
  history_version: Generated<number>;
}

/** History, clustered by (chat, place) on SQLite. */
export interface MessageTable {
  chat_id: string;
  seq: number;
  id: string;
  turn_id: string;
  role: MessageRecord['role'];
  content: string;
  model: string | null;
  status: MessageRecord['status'];
  /** How many rows of `attachments` belong to it, so that a page without any costs one query. */
  attachment_count: number;
  created_at: number;
}

/** Inline images. */
export interface AttachmentTable {
  message_id: string;
  position: number;
  mime_type: string;
  name: string | null;
  /** base64 */
  data: string;
}

/** Turns. `ended_at is null` means queued or running: the partial indexes are built on that. */
export interface TurnTable {
  id: string;
  chat_id: string;
  user_id: string;
  status: TurnStatus;
  user_message_id: string;
  message_id: string | null;
  model: string | null;
  created_at: number;
  started_at: number | null;
  ended_at: number | null;
  /** JSON of a problem. */
  error: string | null;
  answer_seq: number;
  cancel_requested_at: number | null;
  owner: string | null;
  fence: number;
  heartbeat_at: number | null;
  background: number;
  /** Id of the last stored frame; 0: none are kept. */
  last_frame_id: Generated<number>;
}

/** A turn's event log, a row per batch. */
export interface TurnEventTable {
  turn_id: string;
  first_id: number;
  last_id: number;
  /** JSON: `[event, data, event, data, …]`, ids counted from `first_id`. */
  frames: string;
}

/** What an Idempotency-Key of a user was first used for. */
export interface IdempotencyKeyTable {
  user_id: string;
  key: string;
  body_hash: string;
  turn_id: string;
  created_at: number;
}

/** The ledger. It outlives chats, not users. */
export interface UsageTable {
  id: string;
  turn_id: string | null;
  chat_id: string | null;
  user_id: string;
  model: string | null;
  input_tokens: number;
  output_tokens: number;
  cached_tokens: number;
  cost: number | null;
  created_at: number;
}

/** Files and directories of runtime sessions. */
export interface SessionFileTable {
  id: Generated<number>;
  session: string;
  /** Parsed from `session`; no foreign key, so that a late write of a runtime does not fail: `orphans` finds it. */
  chat_id: string;
  path: string;
  parent: string;
  kind: 'file' | 'directory';
  /** Bytes of UTF-8. */
  size: number;
  /** Position the next chunk gets. */
  next_chunk: number;
  created_at: number;
  modified_at: number;
}

/** Contents of session files: in order of `position`, joined. */
export interface SessionFileChunkTable {
  file_id: number;
  position: number;
  content: string;
}

/** Runtime sessions of deleted chats, until every runtime that may have one has said that it is gone. */
export interface DeletedSessionTable {
  session: string;
}

/** What search knows: the title (`source` is empty) or one message (`source` is its id) of a chat. */
export interface SearchDocumentTable {
  id: Generated<number>;
  chat_id: string;
  source: string;
}

/** Applied migrations. */
export interface SchemaMigrationTable {
  version: number;
  name: string;
  applied_at: number;
}

/** One row that `ping` writes. */
export interface StorePingTable {
  id: number;
  pinged_at: number;
}

/** How each job stands, for all instances; the row is its lock. */
export interface JobRunTable {
  name: string;
  owner: string | null;
  locked_until: number;
  due_at: number;
  started_at: number | null;
  ended_at: number | null;
  outcome: 'ok' | 'failed' | null;
  detail: string | null;
  failures: number;
}

/** What was done to accounts and to the gateway. */
export interface AuditEventTable {
  id: string;
  at: number;
  action: string;
  actor: string | null;
  subject: string | null;
  detail: string | null;
}

/** Requests of one caller in one window, on PostgreSQL only. */
export interface RateCountTable {
  key: string;
  window_at: number;
  count: number;
}

/** All tables. */
export interface Schema {
  users: UserTable;
  credentials: CredentialTable;
  web_sessions: WebSessionTable;
  api_tokens: ApiTokenTable;
  signing_keys: SigningKeyTable;
  chats: ChatTable;
  messages: MessageTable;
  attachments: AttachmentTable;
  turns: TurnTable;
  turn_events: TurnEventTable;
  idempotency_keys: IdempotencyKeyTable;
  usage_records: UsageTable;
  session_files: SessionFileTable;
  session_file_chunks: SessionFileChunkTable;
  deleted_sessions: DeletedSessionTable;
  search_documents: SearchDocumentTable;
  schema_migrations: SchemaMigrationTable;
  store_pings: StorePingTable;
  job_runs: JobRunTable;
  audit_events: AuditEventTable;
  rate_counts: RateCountTable;
}
