/** Personal API tokens. A revoked one is deleted: what has no row is not accepted. */
import type { Kysely, Selectable } from 'kysely';
import { type Database, type PreparedQuery, slot } from './database.ts';
import type { ApiTokenRecord } from './records.ts';
import type { ApiTokenTable, Schema } from './schema.ts';
import { storableText } from './storable-text.ts';
import type { ApiTokenRepository, CreationKey, Page } from './store.ts';

type ApiTokenRow = Selectable<ApiTokenTable>;
type NewApiToken = Parameters<ApiTokenRepository['create']>[0];

/** Named, because a prepared `select *` fails on PostgreSQL once a newer instance has added a column. */
const COLUMNS = [
  'api_tokens.id',
  'api_tokens.user_id',
  'api_tokens.name',
  'api_tokens.scopes',
  'api_tokens.created_at',
  'api_tokens.expires_at',
  'api_tokens.last_used_at',
] as const;

/** {@link ApiTokenRepository} on either engine. */
export class SqlApiTokenRepository implements ApiTokenRepository {
  readonly #database: Database;
  readonly #findValid: PreparedQuery<ApiTokenRow & { login: string }>;

  constructor(database: Database) {
    this.#database = database;
    this.#findValid = database.prepare(
      'api_tokens_find_valid',
      database.read
        .selectFrom('api_tokens')
        .innerJoin('users', 'users.id', 'api_tokens.user_id')
        .select(COLUMNS)
        .select('users.login')
        .where('api_tokens.id', '=', slot<string>('id'))
        .where('expires_at', '>', slot<number>('now'))
        .where('users.blocked_at', 'is', null)
        .whereRef('users.valid_after', '<=', 'api_tokens.created_at'),
    );
  }

  async create(token: NewApiToken): Promise<ApiTokenRecord> {
    return this.#database.write((db) => insert(db, token));
  }

  async createWithin(token: NewApiToken, most: number): Promise<ApiTokenRecord | null> {
    return this.#database.transaction(async (trx) => {
      // The person's lock makes the count exact; SQLite's one writer needs none.
      const user = trx.selectFrom('users').select('id').where('id', '=', token.userId);
      await (this.#database.engine === 'postgres' ? user.forNoKeyUpdate() : user).execute();
      const { count } = await trx
        .selectFrom('api_tokens')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .where('user_id', '=', token.userId)
        .where('expires_at', '>', token.now)
        .executeTakeFirstOrThrow();
      return Number(count) < most ? insert(trx, token) : null;
    });
  }

  async findValid(id: string, now: number): Promise<{ token: ApiTokenRecord; login: string } | null> {
    const [row] = await this.#findValid({ id, now });
    return row ? { token: apiTokenRecord(row), login: row.login } : null;
  }

  async list(
    userId: string,
    { after, limit }: { after?: CreationKey; limit: number },
  ): Promise<Page<ApiTokenRecord, CreationKey>> {
    let query = this.#database.read.selectFrom('api_tokens').selectAll().where('user_id', '=', userId);
    if (after) {
      query = query.where((eb) => eb(eb.refTuple('created_at', 'id'), '<', eb.tuple(after.createdAt, after.id)));
    }
    const rows = await query
      .orderBy('created_at', 'desc')
      .orderBy('id', 'desc')
      .limit(limit + 1)
      .execute();
    const items = rows.slice(0, limit).map(apiTokenRecord);
    const last = items.at(-1);
    return { items, next: rows.length > limit && last ? { createdAt: last.createdAt, id: last.id } : null };
  }

  async touch(id: string, now: number): Promise<void> {
    await this.#database.write((db) =>
      db.updateTable('api_tokens').set({ last_used_at: now }).where('id', '=', id).execute(),
    );
  }

  async delete(userId: string, id: string): Promise<boolean> {
    const result = await this.#database.write((db) =>
      db.deleteFrom('api_tokens').where('id', '=', id).where('user_id', '=', userId).executeTakeFirst(),
    );
    return result.numDeletedRows > 0n;
  }

  async deleteExpired(now: number, limit: number): Promise<number> {
    const result = await this.#database.write((db) =>
      db
        .deleteFrom('api_tokens')
        .where('id', 'in', (eb) =>
          eb.selectFrom('api_tokens').select('id').where('expires_at', '<=', now).orderBy('expires_at').limit(limit),
        )
        .executeTakeFirst(),
    );
    return Number(result.numDeletedRows);
  }
}

async function insert(db: Kysely<Schema>, token: NewApiToken): Promise<ApiTokenRecord> {
  const row = await db
    .insertInto('api_tokens')
    .values({
      id: token.id,
      user_id: token.userId,
      name: storableText(token.name),
      scopes: JSON.stringify(token.scopes),
      created_at: token.now,
      expires_at: token.expiresAt,
      last_used_at: null,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  return apiTokenRecord(row);
}

function apiTokenRecord(row: ApiTokenRow): ApiTokenRecord {
  return {
    id: row.id,
    userId: row.user_id,
    name: row.name,
    scopes: JSON.parse(row.scopes),
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
  };
}
