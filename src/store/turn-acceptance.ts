/**
 * `accept`: a user message becomes a turn, in one transaction. Locks are taken in the order user, chat, turn, here and
 * wherever else two of them are held, so that nobody waits in a circle.
 *
 * The user's lock makes the count of their turns and their Idempotency-Keys exact under any number of parallel calls; the
 * chat's lock does it for places in the history (`max(seq) + 1` fails 16 of 20 times on PostgreSQL, D16).
 */
import type { Kysely } from 'kysely';
import type { Database } from './database.ts';
import { type MessageRow, messageRecord } from './message-record.ts';
import type { MessageRecord } from './records.ts';
import type { Schema } from './schema.ts';
import { indexText } from './search-index.ts';
import { storableText } from './storable-text.ts';
import type { AcceptOutcome, NewTurn } from './store.ts';
import { isForeignKeyViolation, isUniqueViolation } from './store-errors.ts';
import { type Admission, admit } from './turn-admission.ts';
import { ownedTurn, type TurnRow } from './turn-record.ts';

type Transaction = Kysely<Schema>;

/** Saves `turn`, or says why not. */
export async function acceptTurn(database: Database, turn: NewTurn): Promise<AcceptOutcome> {
  const attempt = (): Promise<AcceptOutcome> => database.transaction((trx) => acceptIn(database, trx, turn));
  try {
    return await attempt();
  } catch (error) {
    // The user was erased between our look and our write.
    if (isForeignKeyViolation(error)) return { kind: 'chat_gone' };
    // Someone's write got in between after all: with its rows visible the same question has its answer.
    if (isUniqueViolation(error)) return attempt();
    throw error;
  }
}

async function acceptIn(database: Database, trx: Transaction, turn: NewTurn): Promise<AcceptOutcome> {
  const chat = await lockChat(database, trx, turn);
  if (!chat) return { kind: 'chat_gone' };
  const earlier = turn.idempotency ? await findEarlier(trx, turn.userId, turn.idempotency.key) : null;
  const active = earlier ? [] : await activeTurns(trx, turn.userId);
  const admission = admit(turn, { earlier, active });
  switch (admission.kind) {
    case 'replayed':
      // `admit` says so only of an earlier turn.
      return earlier ? { kind: 'replayed', turn: ownedTurn(earlier.turn) } : { kind: 'idempotency_mismatch' };
    case 'run':
    case 'queue':
      return start(database, trx, turn, admission.kind, chat.next_seq);
    case 'steer':
      return steer(database, trx, turn, admission, chat.next_seq);
    default:
      return admission;
  }
}

/** Locks the user's row, then the chat's, by the order of the tables. SQLite's one writer needs no lock. */
async function lockChat(
  database: Database,
  trx: Transaction,
  turn: NewTurn,
): Promise<{ next_seq: number } | undefined> {
  return trx
    .selectFrom('users')
    .innerJoin('chats', 'chats.user_id', 'users.id')
    .select('chats.next_seq')
    .where('chats.id', '=', turn.chatId)
    .where('users.id', '=', turn.userId)
    .$if(database.engine === 'postgres', (query) => query.forNoKeyUpdate())
    .executeTakeFirst();
}

async function findEarlier(trx: Transaction, userId: string, key: string) {
  const row = await trx
    .selectFrom('idempotency_keys')
    .innerJoin('turns', 'turns.id', 'idempotency_keys.turn_id')
    .selectAll('turns')
    .select('idempotency_keys.body_hash')
    .where('idempotency_keys.user_id', '=', userId)
    .where('idempotency_keys.key', '=', key)
    .executeTakeFirst();
  return row ? { bodyHash: row.body_hash, turn: row } : null;
}

function activeTurns(trx: Transaction, userId: string): Promise<TurnRow[]> {
  return trx
    .selectFrom('turns')
    .selectAll()
    .where('user_id', '=', userId)
    .where('ended_at', 'is', null)
    .orderBy('answer_seq')
    .execute();
}

async function start(
  database: Database,
  trx: Transaction,
  turn: NewTurn,
  kind: 'run' | 'queue',
  place: number,
): Promise<AcceptOutcome> {
  const runs = kind === 'run';
  const row: TurnRow = {
    id: turn.turnId,
    chat_id: turn.chatId,
    user_id: turn.userId,
    status: runs ? 'running' : 'queued',
    user_message_id: turn.messageId,
    message_id: null,
    model: turn.model,
    created_at: turn.now,
    started_at: runs ? turn.now : null,
    ended_at: null,
    error: null,
    answer_seq: place + 1,
    cancel_requested_at: null,
    owner: runs ? turn.owner : null,
    fence: runs ? 1 : 0,
    heartbeat_at: runs ? turn.now : null,
    background: turn.background ? 1 : 0,
    last_frame_id: 0,
  };
  await trx.insertInto('turns').values(row).execute();
  const message = await saveMessage(database, trx, turn, row.id, place);
  await advance(trx, turn, place + 2);
  return { kind: 'accepted', turn: ownedTurn(row), message };
}

/** Puts the message and the running turn's answer behind everything, and turns that wait behind them again, in order. */
async function steer(
  database: Database,
  trx: Transaction,
  turn: NewTurn,
  { running, queued }: Extract<Admission, { kind: 'steer' }>,
  place: number,
): Promise<AcceptOutcome> {
  const message = await saveMessage(database, trx, turn, running.id, place);
  await trx
    .updateTable('turns')
    .set({ answer_seq: place + 1 })
    .where('id', '=', running.id)
    .execute();
  let next = place + 2;
  for (const row of queued) {
    await trx.updateTable('messages').set({ seq: next }).where('id', '=', row.user_message_id).execute();
    await trx
      .updateTable('turns')
      .set({ answer_seq: next + 1 })
      .where('id', '=', row.id)
      .execute();
    next += 2;
  }
  await advance(trx, turn, next);
  return { kind: 'steered', turn: ownedTurn({ ...running, answer_seq: place + 1 }), message };
}

async function saveMessage(
  database: Database,
  trx: Transaction,
  turn: NewTurn,
  turnId: string,
  seq: number,
): Promise<MessageRecord> {
  const content = storableText(turn.content);
  const row: MessageRow = {
    chat_id: turn.chatId,
    seq,
    id: turn.messageId,
    turn_id: turnId,
    role: 'user',
    content,
    model: null,
    status: 'complete',
    attachment_count: turn.attachments.length,
    created_at: turn.now,
  };
  await trx.insertInto('messages').values(row).execute();
  await saveAttachments(trx, turn);
  await indexText(database.engine, trx, {
    chatId: turn.chatId,
    userId: turn.userId,
    source: turn.messageId,
    text: content,
  });
  if (turn.idempotency) {
    const { key, bodyHash } = turn.idempotency;
    await trx
      .insertInto('idempotency_keys')
      .values({ user_id: turn.userId, key, body_hash: bodyHash, turn_id: turnId, created_at: turn.now })
      .execute();
  }
  return messageRecord(row, turn.attachments);
}

async function saveAttachments(trx: Transaction, turn: NewTurn): Promise<void> {
  if (turn.attachments.length === 0) return;
  const rows = turn.attachments.map(({ mimeType, name, data }, position) => ({
    message_id: turn.messageId,
    position,
    mime_type: mimeType,
    name: name === null ? null : storableText(name),
    data,
  }));
  await trx.insertInto('attachments').values(rows).execute();
}

async function advance(trx: Transaction, turn: NewTurn, nextSeq: number): Promise<void> {
  await trx
    .updateTable('chats')
    .set({ next_seq: nextSeq, updated_at: turn.now })
    .where('id', '=', turn.chatId)
    .execute();
}
