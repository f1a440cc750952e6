/**
 * Taking the end of a history away, so that a new turn takes its place. Part of the transaction that accepts that turn,
 * under the chat's lock: either both happen or neither.
 *
 * Places are never given out twice, whatever was removed: a reader's cursor stays true, and a question that is asked again
 * moves behind everything that ever was, its answer's place right after it.
 */
import type { Kysely } from 'kysely';
import { MESSAGE_COLUMNS, type MessageRow, messageRecords } from './message-record.ts';
import type { MessageRecord } from './records.ts';
import type { Schema } from './schema.ts';
import type { Replacement } from './store.ts';

type Transaction = Kysely<Schema>;

/** @returns the message that the replacement is about: one to remove, or the question to ask again; null: it is not there */
export async function replacedMessage(
  trx: Transaction,
  chatId: string,
  { kind, messageId }: Replacement,
): Promise<MessageRow | null> {
  const inChat = trx.selectFrom('messages').select(MESSAGE_COLUMNS).where('chat_id', '=', chatId);
  const named =
    messageId === null ? null : ((await inChat.where('id', '=', messageId).executeTakeFirst()) ?? 'missing');
  if (named === 'missing') return null;
  if (kind === 'edit') return named?.role === 'user' ? named : null;
  if (named?.role === 'user') return null;
  const question = await inChat
    .where('role', '=', 'user')
    .where('seq', '<', named?.seq ?? Number.MAX_SAFE_INTEGER)
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst();
  return question ?? null;
}

/**
 * Removes the messages with `seq` ≥ `from` and what was kept of how they were made. Their turns stay, for the ledger and
 * for whoever retries an old request, but have nothing more to tell.
 */
export async function removeTail(trx: Transaction, chatId: string, from: number): Promise<void> {
  const gone = trx.selectFrom('messages').select('id').where('chat_id', '=', chatId).where('seq', '>=', from);
  const turns = trx.selectFrom('turns').select('id').where('chat_id', '=', chatId).where('answer_seq', '>=', from);
  await trx.deleteFrom('search_documents').where('chat_id', '=', chatId).where('source', 'in', gone).execute();
  await trx.deleteFrom('turn_events').where('turn_id', 'in', turns).execute();
  await trx
    .updateTable('turns')
    .set({ message_id: null, last_frame_id: 0 })
    .where('chat_id', '=', chatId)
    .where('answer_seq', '>=', from)
    .execute();
  await trx.deleteFrom('messages').where('chat_id', '=', chatId).where('seq', '>=', from).execute();
  // The runtime session remembers what is gone: it is rebuilt before the next turn.
  await trx
    .updateTable('chats')
    .set((eb) => ({ context_version: eb('context_version', '+', 1) }))
    .where('id', '=', chatId)
    .execute();
}

/** Makes a question that stands already the question of another turn, at another place. */
export async function moveQuestion(
  trx: Transaction,
  question: MessageRow,
  { turnId, seq }: { turnId: string; seq: number },
): Promise<MessageRecord> {
  await trx.updateTable('messages').set({ turn_id: turnId, seq }).where('id', '=', question.id).execute();
  const [record] = await messageRecords(trx, [{ ...question, turn_id: turnId, seq }]);
  if (record === undefined) throw new Error('a message has a record');
  return record;
}
