/** The keys that sign API tokens. Few rows: one for every few months, dropped when nothing signed with it can be valid. */
import type { Selectable } from 'kysely';
import type { Database } from './database.ts';
import type { SigningKeyRecord } from './records.ts';
import type { SigningKeyTable } from './schema.ts';
import type { SigningKeyRepository } from './store.ts';

/** {@link SigningKeyRepository} on either engine. */
export class SqlSigningKeyRepository implements SigningKeyRepository {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async list(): Promise<SigningKeyRecord[]> {
    const rows = await this.#database.read
      .selectFrom('signing_keys')
      .selectAll()
      .orderBy('generation', 'desc')
      .execute();
    return rows.map(signingKeyRecord);
  }

  async add(key: SigningKeyRecord): Promise<boolean> {
    const result = await this.#database.write((db) =>
      db
        .insertInto('signing_keys')
        .values({
          generation: key.generation,
          kid: key.kid,
          public_jwk: key.publicJwk,
          sealed: key.sealed,
          sealed_with: key.sealedWith,
          created_at: key.createdAt,
          retires_at: key.retiresAt,
        })
        .onConflict((conflict) => conflict.column('generation').doNothing())
        .executeTakeFirst(),
    );
    return (result.numInsertedOrUpdatedRows ?? 0n) > 0n;
  }

  async deleteRetired(now: number): Promise<void> {
    await this.#database.write((db) => db.deleteFrom('signing_keys').where('retires_at', '<=', now).execute());
  }
}

function signingKeyRecord(row: Selectable<SigningKeyTable>): SigningKeyRecord {
  return {
    generation: row.generation,
    kid: row.kid,
    publicJwk: row.public_jwk,
    sealed: row.sealed,
    sealedWith: row.sealed_with,
    createdAt: row.created_at,
    retiresAt: row.retires_at,
  };
}
