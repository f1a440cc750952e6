/** `end`: everything a turn leaves behind, in one transaction and once. */
import type { Kysely } from 'kysely';
import type { Database } from './database.ts';
import type { Schema } from './schema.ts';
import { indexText } from './search-index.ts';
import { storableText } from './storable-text.ts';
import type { TurnEnd } from './store.ts';
import { storeFrames } from './turn-frames.ts';
import { RUNNING } from './turn-record.ts';
import { usageRow } from './usage-repository.ts';

/** Ends a running turn. False: its fence has moved on or it has ended; nothing was written. */
export async function endTurn(database: Database, end: TurnEnd): Promise<boolean> {
  try {
    return await database.transaction((trx) => endIn(database, trx, end));
  } catch (error) {
    if (error instanceof FencedOff) return false;
    throw error;
  }
}

/** Rolls back what was done before the turn's own row said no. */
class FencedOff extends Error {}

async function endIn(database: Database, trx: Kysely<Schema>, end: TurnEnd): Promise<boolean> {
  // The chat first: locks go user, chat, turn (see `turn-acceptance.ts`).
  if (!(await touchChat(trx, end))) return false;
  const turn = await closeTurn(trx, end);
  if (!turn) throw new FencedOff();
  if (end.message) {
    const content = storableText(end.message.content);
    await trx
      .insertInto('messages')
      .values({
        chat_id: turn.chat_id,
        seq: turn.answer_seq,
        id: end.message.id,
        turn_id: end.turnId,
        role: 'assistant',
        content,
        model: end.message.model,
        status: end.message.status,
        attachment_count: 0,
        created_at: end.message.createdAt,
      })
      .execute();
    const { chat_id: chatId, user_id: userId } = turn;
    await indexText(database.engine, trx, { chatId, userId, source: end.message.id, text: content });
  }
  await storeFrames(trx, end.turnId, turn.last_frame_id, end.frames);
  await saveUsage(trx, end);
  return true;
}

async function touchChat(trx: Kysely<Schema>, end: TurnEnd): Promise<boolean> {
  const chat = await trx
    .updateTable('chats')
    .set((eb) => ({
      updated_at: end.now,
      ...(end.contextLost ? { context_version: eb('context_version', '+', 1) } : {}),
    }))
    .where('id', '=', (eb) =>
      eb
        .selectFrom('turns')
        .select('chat_id')
        .where('id', '=', end.turnId)
        .where('fence', '=', end.fence)
        .where('status', '=', RUNNING),
    )
    .returning('id')
    .executeTakeFirst();
  return chat !== undefined;
}

async function closeTurn(trx: Kysely<Schema>, end: TurnEnd) {
  return trx
    .updateTable('turns')
    .set({
      status: end.status,
      ended_at: end.now,
      error: end.error === null ? null : JSON.stringify(end.error),
      model: end.model,
      message_id: end.message?.id ?? null,
    })
    .where('id', '=', end.turnId)
    .where('fence', '=', end.fence)
    .where('status', '=', RUNNING)
    .returning(['chat_id', 'user_id', 'answer_seq', 'last_frame_id'])
    .executeTakeFirst();
}

async function saveUsage(trx: Kysely<Schema>, end: TurnEnd): Promise<void> {
  if (end.usage.length === 0) return;
  await trx.insertInto('usage_records').values(end.usage.map(usageRow)).execute();
}
