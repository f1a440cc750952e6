/** What Idempotency-Keys were used for. They are written with the turn they made (`turn-acceptance.ts`). */
import type { Database } from './database.ts';

/** The use of a key. */
export interface KeyUse {
  turnId: string;
  bodyHash: string;
}

/** What the user's key was used for, if it was. */
export async function findKeyUse(database: Database, userId: string, key: string): Promise<KeyUse | null> {
  const row = await database.read
    .selectFrom('idempotency_keys')
    .select(['turn_id as turnId', 'body_hash as bodyHash'])
    .where('user_id', '=', userId)
    .where('key', '=', key)
    .executeTakeFirst();
  return row ?? null;
}

/** Deletes up to `limit` keys used before `before`. @returns how many */
export async function deleteKeys(database: Database, before: number, limit: number): Promise<number> {
  const result = await database.write((db) =>
    db
      .deleteFrom('idempotency_keys')
      .where((eb) => {
        const old = eb
          .selectFrom('idempotency_keys')
          .select(['user_id', 'key'])
          .where('created_at', '<', before)
          .orderBy('created_at')
          .limit(limit);
        return eb(eb.refTuple('user_id', 'key'), 'in', old.$asTuple('user_id', 'key'));
      })
      .executeTakeFirst(),
  );
  return Number(result.numDeletedRows);
}
