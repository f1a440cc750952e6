/** A turn's row as the value that rooms get. */
import { type RawBuilder, type Selectable, sql } from 'kysely';
import type { TurnRecord } from './records.ts';
import type { TurnTable } from './schema.ts';
import type { OwnedTurn } from './store.ts';

/** A row of `turns`, without what only the log uses. */
export type TurnRow = Omit<Selectable<TurnTable>, 'last_frame_id'>;

/** Columns of a {@link TurnRecord}. */
export const TURN_COLUMN_NAMES = [
  'id',
  'chat_id',
  'user_id',
  'status',
  'user_message_id',
  'message_id',
  'model',
  'created_at',
  'started_at',
  'ended_at',
  'error',
  'answer_seq',
  'cancel_requested_at',
  'owner',
  'fence',
  'heartbeat_at',
  'background',
] as const satisfies (keyof TurnRow)[];

/** The same, in a query that joins. */
export const TURN_COLUMNS = TURN_COLUMN_NAMES.map((name) => `turns.${name}` as const);

/** Written into the SQL, not bound: SQLite uses a partial index only where it can see the condition. */
export const RUNNING: RawBuilder<'running'> = sql.lit('running' as const);
/** As {@link RUNNING}. */
export const QUEUED: RawBuilder<'queued'> = sql.lit('queued' as const);

/** The record of a row. */
export function turnRecord(row: TurnRow): TurnRecord {
  return {
    id: row.id,
    chatId: row.chat_id,
    userId: row.user_id,
    status: row.status,
    userMessageId: row.user_message_id,
    messageId: row.message_id,
    model: row.model,
    createdAt: row.created_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    error: row.error === null ? null : JSON.parse(row.error),
    answerSeq: row.answer_seq,
    cancelRequestedAt: row.cancel_requested_at,
    owner: row.owner,
    fence: row.fence,
    heartbeatAt: row.heartbeat_at,
    background: row.background === 1,
  };
}

/** Call it only on rows that were read through their owner's id, or through a chat that was. */
export function ownedTurn(row: TurnRow): OwnedTurn {
  return turnRecord(row) as OwnedTurn;
}
