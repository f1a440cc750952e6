/** Removing chats with everything that hangs on them. */
import type { Kysely } from 'kysely';
import type { Schema } from './schema.ts';

/**
 * Deletes chats, in the caller's transaction. Rows with a foreign key to them go by cascade; runtime session files have
 * none (see `schema.ts`) and go here.
 */
export async function deleteChats(trx: Kysely<Schema>, chatIds: readonly string[]): Promise<void> {
  if (chatIds.length === 0) return;
  await trx.deleteFrom('session_files').where('chat_id', 'in', chatIds).execute();
  await trx.deleteFrom('chats').where('id', 'in', chatIds).execute();
}
