/** Removing chats with everything that hangs on them. */
import { type Kysely, sql } from 'kysely';
import type { Schema } from './schema.ts';

/**
 * Deletes chats, in the caller's transaction. Rows with a foreign key to them go by cascade; runtime session files have
 * none (see `schema.ts`) and go here. What runtimes of others keep of them is noted in the same transaction: it is deleted
 * however the process ends, and by no one but the owner of the name.
 */
export async function deleteChats(trx: Kysely<Schema>, chatIds: readonly string[]): Promise<void> {
  if (chatIds.length === 0) return;
  await trx
    .insertInto('deleted_sessions')
    .columns(['session'])
    .expression(
      trx
        .selectFrom('chats')
        // As `SessionFileRepository` says that sessions are named.
        .select(sql<string>`'user-' || user_id || '-' || id`.as('session'))
        .where('id', 'in', chatIds),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await trx.deleteFrom('session_files').where('chat_id', 'in', chatIds).execute();
  await trx.deleteFrom('chats').where('id', 'in', chatIds).execute();
}
