/** A message's row as the value that rooms get, with its attachments. */
import type { Kysely, Selectable } from 'kysely';
import type { AttachmentRecord, MessageRecord } from './records.ts';
import type { MessageTable, Schema } from './schema.ts';
import { storableText } from './storable-text.ts';

/** A row of `messages`. */
export type MessageRow = Selectable<MessageTable>;

/** Named, because a prepared `select *` fails on PostgreSQL once a newer instance has added a column. */
export const MESSAGE_COLUMNS = [
  'chat_id',
  'seq',
  'id',
  'turn_id',
  'role',
  'content',
  'model',
  'status',
  'attachment_count',
  'created_at',
] as const;

/** Records of `rows`, in their order. One more query if any of them has attachments, however many. */
export async function messageRecords(db: Kysely<Schema>, rows: readonly MessageRow[]): Promise<MessageRecord[]> {
  const records = rows.map((row) => messageRecord(row, []));
  const holders = new Map<string, AttachmentRecord[]>();
  rows.forEach((row, index) => {
    const record = records[index];
    if (record && row.attachment_count > 0) holders.set(row.id, record.attachments);
  });
  if (holders.size === 0) return records;
  const attachments = await db
    .selectFrom('attachments')
    .selectAll()
    .where('message_id', 'in', [...holders.keys()])
    .orderBy('message_id')
    .orderBy('position')
    .execute();
  for (const { message_id, mime_type, data, name } of attachments) {
    holders.get(message_id)?.push({ type: 'image', mimeType: mime_type, data, name });
  }
  return records;
}

/** The record of one row whose attachments are known. */
export function messageRecord(row: MessageRow, attachments: AttachmentRecord[]): MessageRecord {
  return {
    id: row.id,
    chatId: row.chat_id,
    turnId: row.turn_id,
    role: row.role,
    content: row.content,
    attachments,
    model: row.model,
    status: row.status,
    createdAt: row.created_at,
    seq: row.seq,
  };
}

/** Stores the images of a message. Belongs to the transaction that stores it. */
export async function saveAttachments(
  trx: Kysely<Schema>,
  messageId: string,
  attachments: readonly AttachmentRecord[],
): Promise<void> {
  if (attachments.length === 0) return;
  const rows = attachments.map(({ mimeType, name, data }, position) => ({
    message_id: messageId,
    position,
    mime_type: mimeType,
    name: name === null ? null : storableText(name),
    data,
  }));
  await trx.insertInto('attachments').values(rows).execute();
}
