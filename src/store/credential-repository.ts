/** Sealed GitHub credentials, one per user, with optimistic versions. */
import type { Selectable } from 'kysely';
import { type Database, type PreparedQuery, slot } from './database.ts';
import type { CredentialRecord } from './records.ts';
import type { CredentialTable } from './schema.ts';
import type { CredentialRepository } from './store.ts';

type CredentialRow = Selectable<CredentialTable>;

/** Named, because a prepared `select *` fails on PostgreSQL once a newer instance has added a column. */
const COLUMNS = [
  'user_id',
  'sealed',
  'key_id',
  'version',
  'expires_at',
  'rejected_at',
  'checked_at',
  'updated_at',
] as const;

/** {@link CredentialRepository} on either engine. */
export class SqlCredentialRepository implements CredentialRepository {
  readonly #database: Database;
  readonly #find: PreparedQuery<CredentialRow>;

  constructor(database: Database) {
    this.#database = database;
    this.#find = database.prepare(
      'credentials_find',
      database.read.selectFrom('credentials').select(COLUMNS).where('user_id', '=', slot<string>('userId')),
    );
  }

  async find(userId: string): Promise<CredentialRecord | null> {
    const [row] = await this.#find({ userId });
    return row ? credentialRecord(row) : null;
  }

  async put(record: Parameters<CredentialRepository['put']>[0]): Promise<CredentialRecord> {
    const values = {
      sealed: record.sealed,
      key_id: record.keyId,
      expires_at: record.expiresAt,
      rejected_at: null,
      checked_at: record.now,
      updated_at: record.now,
    };
    const row = await this.#database.write((db) =>
      db
        .insertInto('credentials')
        .values({ user_id: record.userId, version: 1, ...values })
        .onConflict((conflict) =>
          conflict.column('user_id').doUpdateSet((eb) => ({ ...values, version: eb('credentials.version', '+', 1) })),
        )
        .returningAll()
        .executeTakeFirstOrThrow(),
    );
    return credentialRecord(row);
  }

  async replace(record: Parameters<CredentialRepository['replace']>[0]): Promise<boolean> {
    const result = await this.#database.write((db) =>
      db
        .updateTable('credentials')
        .set({
          sealed: record.sealed,
          key_id: record.keyId,
          expires_at: record.expiresAt,
          updated_at: record.now,
          version: record.version + 1,
        })
        .where('user_id', '=', record.userId)
        .where('version', '=', record.version)
        .executeTakeFirst(),
    );
    return result.numUpdatedRows > 0n;
  }

  async markRejected(userId: string, version: number, now: number): Promise<void> {
    await this.#database.write((db) =>
      db
        .updateTable('credentials')
        .set({ rejected_at: now, updated_at: now })
        .where('user_id', '=', userId)
        .where('version', '=', version)
        .where('rejected_at', 'is', null)
        .execute(),
    );
  }

  async markChecked(userId: string, now: number): Promise<void> {
    await this.#database.write((db) =>
      db.updateTable('credentials').set({ checked_at: now }).where('user_id', '=', userId).execute(),
    );
  }

  async delete(userId: string, version?: number): Promise<boolean> {
    const result = await this.#database.write((db) =>
      db
        .deleteFrom('credentials')
        .where('user_id', '=', userId)
        .$if(version !== undefined, (query) => query.where('version', '=', version ?? 0))
        .executeTakeFirst(),
    );
    return result.numDeletedRows > 0n;
  }

  async sealedWithOther(keyId: string, after: string | null, limit: number): Promise<CredentialRecord[]> {
    const rows = await this.#database.read
      .selectFrom('credentials')
      .selectAll()
      .where('key_id', '!=', keyId)
      .where('user_id', '>', after ?? '')
      .orderBy('user_id')
      .limit(limit)
      .execute();
    return rows.map(credentialRecord);
  }

  withRefreshLock<T>(userId: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return this.#database.withLock(`refresh:${userId}`, signal, work);
  }
}

function credentialRecord(row: CredentialRow): CredentialRecord {
  return {
    userId: row.user_id,
    sealed: row.sealed,
    keyId: row.key_id,
    version: row.version,
    expiresAt: row.expires_at,
    rejectedAt: row.rejected_at,
    checkedAt: row.checked_at,
    updatedAt: row.updated_at,
  };
}
