/** Browser sessions. An ended one stays as a tombstone, so that a request in flight cannot save it back to life (D1). */
import type { Expression, ExpressionBuilder, Selectable, SqlBool } from 'kysely';
import { type Database, type PreparedQuery, slot } from './database.ts';
import type { WebSessionRecord } from './records.ts';
import type { Schema, WebSessionTable } from './schema.ts';
import { storableText } from './storable-text.ts';
import type { WebSessionRepository } from './store.ts';
import { isForeignKeyViolation } from './store-errors.ts';

type WebSessionRow = Omit<Selectable<WebSessionTable>, 'ended_at'>;

/** Named, because a prepared `select *` fails on PostgreSQL once a newer instance has added a column. */
const COLUMNS = [
  'web_sessions.id_hash',
  'web_sessions.public_id',
  'web_sessions.user_id',
  'web_sessions.data',
  'web_sessions.user_agent',
  'web_sessions.address',
  'web_sessions.created_at',
  'web_sessions.last_seen_at',
  'web_sessions.expires_at',
] as const;

/** Devices shown; nobody has more in use. */
const LIST_LIMIT = 100;

/** {@link WebSessionRepository} on either engine. */
export class SqlWebSessionRepository implements WebSessionRepository {
  readonly #database: Database;
  readonly #find: PreparedQuery<WebSessionRow>;

  constructor(database: Database) {
    this.#database = database;
    this.#find = database.prepare(
      'web_sessions_find',
      database.read
        .selectFrom('web_sessions')
        .leftJoin('users', 'users.id', 'web_sessions.user_id')
        .select(COLUMNS)
        .where('id_hash', '=', slot<string>('idHash'))
        .where('expires_at', '>', slot<number>('now'))
        .where('last_seen_at', '>', slot<number>('idleSince'))
        .where('ended_at', 'is', null)
        .where(stillTrusted),
    );
  }

  async find(idHash: string, now: number, idleMs: number): Promise<WebSessionRecord | null> {
    const [row] = await this.#find({ idHash, now, idleSince: now - idleMs });
    return row ? webSessionRecord(row) : null;
  }

  async save(record: WebSessionRecord): Promise<boolean> {
    const values = {
      user_id: record.userId,
      data: storableText(record.data),
      user_agent: record.userAgent === null ? null : storableText(record.userAgent),
      address: record.address,
      last_seen_at: record.lastSeenAt,
    };
    try {
      const result = await this.#database.write((db) =>
        db
          .insertInto('web_sessions')
          .values({
            id_hash: record.idHash,
            public_id: record.publicId,
            created_at: record.createdAt,
            expires_at: record.expiresAt,
            ended_at: null,
            ...values,
          })
          .onConflict((conflict) =>
            conflict
              .column('id_hash')
              .doUpdateSet(values)
              .where('web_sessions.ended_at', 'is', null)
              .where('web_sessions.expires_at', '>', record.lastSeenAt),
          )
          .executeTakeFirst(),
      );
      return (result.numInsertedOrUpdatedRows ?? 0n) > 0n;
    } catch (error) {
      // The user was erased while the request ran.
      if (isForeignKeyViolation(error)) return false;
      throw error;
    }
  }

  async touch(idHash: string, now: number): Promise<void> {
    await this.#database.write((db) =>
      db
        .updateTable('web_sessions')
        .set({ last_seen_at: now })
        .where('id_hash', '=', idHash)
        .where('ended_at', 'is', null)
        .where('last_seen_at', '<', now)
        .execute(),
    );
  }

  async end(idHash: string, now: number): Promise<void> {
    await this.#end(now, (eb) => eb('id_hash', '=', idHash));
  }

  async endOwned(userId: string, publicId: string, now: number): Promise<boolean> {
    const ended = await this.#end(now, (eb) => eb.and([eb('public_id', '=', publicId), eb('user_id', '=', userId)]));
    return ended > 0;
  }

  async endAll(userId: string, now: number): Promise<number> {
    return this.#end(now, (eb) => eb('user_id', '=', userId));
  }

  async list(userId: string, now: number, idleMs: number): Promise<WebSessionRecord[]> {
    const rows = await this.#database.read
      .selectFrom('web_sessions')
      .innerJoin('users', 'users.id', 'web_sessions.user_id')
      .select(COLUMNS)
      .where('user_id', '=', userId)
      .where('last_seen_at', '>', now - idleMs)
      .where('expires_at', '>', now)
      .where('ended_at', 'is', null)
      .where(stillTrusted)
      .orderBy('last_seen_at', 'desc')
      .limit(LIST_LIMIT)
      .execute();
    return rows.map(webSessionRecord);
  }

  async deleteExpired(now: number, idleMs: number, limit: number): Promise<number> {
    const result = await this.#database.write((db) =>
      db
        .deleteFrom('web_sessions')
        .where('id_hash', 'in', (eb) =>
          eb
            .selectFrom('web_sessions')
            .select('id_hash')
            .where((inner) =>
              inner.or([
                inner('expires_at', '<=', now),
                inner.and([
                  inner('last_seen_at', '<=', now - idleMs),
                  // A tombstone made from an idle session still has to outlive requests that began before it.
                  inner.or([inner('ended_at', 'is', null), inner('ended_at', '<=', now - idleMs)]),
                ]),
              ]),
            )
            .limit(limit),
        )
        .executeTakeFirst(),
    );
    return Number(result.numDeletedRows);
  }

  async #end(
    now: number,
    which: (eb: ExpressionBuilder<Schema, 'web_sessions'>) => Expression<SqlBool>,
  ): Promise<number> {
    const result = await this.#database.write((db) =>
      db
        .updateTable('web_sessions')
        .set({ ended_at: now, data: '{}' })
        .where(which)
        .where('ended_at', 'is', null)
        .executeTakeFirst(),
    );
    return Number(result.numUpdatedRows);
  }
}

/** A session from before its user was revoked, or of a blocked user, is as good as ended. */
function stillTrusted(eb: ExpressionBuilder<Pick<Schema, 'web_sessions' | 'users'>, 'web_sessions' | 'users'>) {
  return eb.or([
    eb('web_sessions.user_id', 'is', null),
    eb.and([eb('users.blocked_at', 'is', null), eb('users.valid_after', '<=', eb.ref('web_sessions.created_at'))]),
  ]);
}

function webSessionRecord(row: WebSessionRow): WebSessionRecord {
  return {
    idHash: row.id_hash,
    publicId: row.public_id,
    userId: row.user_id,
    data: row.data,
    userAgent: row.user_agent,
    address: row.address,
    createdAt: row.created_at,
    lastSeenAt: row.last_seen_at,
    expiresAt: row.expires_at,
  };
}
