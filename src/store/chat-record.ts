/** A chat's row as the value that rooms get. */
import type { Selectable } from 'kysely';
import type { ChatTable } from './schema.ts';
import type { OwnedChat } from './store.ts';

/** A row of `chats`. */
export type ChatRow = Selectable<ChatTable>;

/** Columns of a {@link ChatRecord}; the counter of places stays inside the store. */
export const CHAT_COLUMNS = [
  'chats.id',
  'chats.user_id',
  'chats.session_id',
  'chats.title',
  'chats.title_source',
  'chats.model',
  'chats.system_prompt',
  'chats.pinned',
  'chats.archived',
  'chats.created_at',
  'chats.updated_at',
  'chats.context_version',
  'chats.history_version',
] as const;

/** Call it only on rows that were read through their owner's id. */
export function ownedChat(row: Omit<ChatRow, 'next_seq'>): OwnedChat {
  const record = {
    id: row.id,
    userId: row.user_id,
    sessionId: row.session_id,
    title: row.title,
    titleSource: row.title_source,
    model: row.model,
    systemPrompt: row.system_prompt,
    pinned: row.pinned === 1,
    archived: row.archived === 1,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    contextVersion: row.context_version,
    historyVersion: row.history_version,
  };
  return record as OwnedChat;
}
