/** People: created at sign-in, revoked, blocked, erased. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Kysely, Selectable } from 'kysely';
import { deleteChats } from './chat-deletion.ts';
import { type Database, type PreparedQuery, slot } from './database.ts';
import type { UserRecord } from './records.ts';
import type { Schema, UserTable } from './schema.ts';
import { storableText } from './storable-text.ts';
import type { UserRepository } from './store.ts';

type UserRow = Selectable<UserTable>;

/** Named, because a prepared `select *` fails on PostgreSQL once a newer instance has added a column. */
const COLUMNS = ['id', 'login', 'name', 'avatar_url', 'created_at', 'updated_at', 'blocked_at', 'valid_after'] as const;

/** Chats erased in one transaction: bounds how long others wait for the write lock. */
const ERASE_STEP = 20;

/** {@link UserRepository} on either engine. */
export class SqlUserRepository implements UserRepository {
  readonly #database: Database;
  readonly #find: PreparedQuery<UserRow>;

  constructor(database: Database) {
    this.#database = database;
    this.#find = database.prepare(
      'users_find',
      database.read.selectFrom('users').select(COLUMNS).where('id', '=', slot<string>('id')),
    );
  }

  async upsert(user: Parameters<UserRepository['upsert']>[0]): Promise<UserRecord> {
    const values = {
      login: storableText(user.login),
      name: user.name === null ? null : storableText(user.name),
      avatar_url: user.avatarUrl,
      updated_at: user.now,
    };
    const row = await this.#database.write((db) =>
      db
        .insertInto('users')
        .values({ id: user.id, ...values, created_at: user.now, blocked_at: null, valid_after: 0 })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
        .returningAll()
        .executeTakeFirstOrThrow(),
    );
    return userRecord(row);
  }

  async find(id: string): Promise<UserRecord | null> {
    const [row] = await this.#find({ id });
    return row ? userRecord(row) : null;
  }

  async revokeAll(id: string, now: number): Promise<void> {
    await this.#database.write((db) =>
      db
        .updateTable('users')
        .set({ valid_after: now })
        // Instances' clocks differ: a revocation never becomes weaker.
        .where('id', '=', id)
        .where('valid_after', '<', now)
        .execute(),
    );
  }

  async setBlocked(id: string, blockedAt: number | null): Promise<void> {
    await this.#database.write((db) =>
      db.updateTable('users').set({ blocked_at: blockedAt }).where('id', '=', id).execute(),
    );
  }

  async erase(id: string): Promise<string[]> {
    const erased: string[] = [];
    // In steps, so that a long history does not keep everyone else from writing. Killed in between, it is asked for again.
    for (;;) {
      const step = await this.#database.transaction((trx) => this.#eraseSomeChats(trx, id));
      erased.push(...step);
      if (step.length < ERASE_STEP) break;
      await nextTurn();
    }
    erased.push(...(await this.#database.transaction((trx) => this.#eraseRest(trx, id))));
    return erased;
  }

  async dueForRecheck(before: number, limit: number): Promise<string[]> {
    const rows = await this.#database.read
      .selectFrom('credentials')
      .select('user_id')
      .where('checked_at', '<', before)
      .orderBy('checked_at')
      .limit(limit)
      .execute();
    return rows.map((row) => row.user_id);
  }

  async #eraseSomeChats(trx: Kysely<Schema>, userId: string): Promise<string[]> {
    const rows = await trx.selectFrom('chats').select('id').where('user_id', '=', userId).limit(ERASE_STEP).execute();
    const ids = rows.map((row) => row.id);
    await deleteChats(trx, ids);
    return ids;
  }

  async #eraseRest(trx: Kysely<Schema>, userId: string): Promise<string[]> {
    // Locks the user on PostgreSQL: a chat created since the last step is seen, and none can be created after.
    await trx.updateTable('users').set({ login: '' }).where('id', '=', userId).execute();
    const rows = await trx.selectFrom('chats').select('id').where('user_id', '=', userId).execute();
    const ids = rows.map((row) => row.id);
    await deleteChats(trx, ids);
    // Their sessions stay as tombstones that say nothing of them, so that a request in flight cannot revive one.
    await trx
      .updateTable('web_sessions')
      .set({ data: '{}', user_agent: null, address: null, ended_at: (eb) => eb.ref('last_seen_at') })
      .where('user_id', '=', userId)
      .where('ended_at', 'is', null)
      .execute();
    await trx.deleteFrom('users').where('id', '=', userId).execute();
    return ids;
  }
}

/** The value that rooms get. */
export function userRecord(row: UserRow): UserRecord {
  return {
    id: row.id,
    login: row.login,
    name: row.name,
    avatarUrl: row.avatar_url,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    blockedAt: row.blocked_at,
    validAfter: row.valid_after,
  };
}
