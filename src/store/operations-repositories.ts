/** Job runs, the audit trail and the list of people, on either engine. */
import { type Selectable, sql } from 'kysely';
import type { Database } from './database.ts';
import type {
  AuditRecord,
  AuditRepository,
  JobRunRecord,
  JobRunRepository,
  PeopleRepository,
  PersonRecord,
} from './operations.ts';
import type { AuditEventTable, JobRunTable } from './schema.ts';
import { storableText } from './storable-text.ts';
import { userRecord } from './user-repository.ts';

/** {@link JobRunRepository} on either engine: the row itself is the lock, so an instance that dies holds it only so long. */
export class SqlJobRunRepository implements JobRunRepository {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async claim({ name, owner, now, lockedUntil, force }: Parameters<JobRunRepository['claim']>[0]): Promise<boolean> {
    const values = { owner, locked_until: lockedUntil, started_at: now };
    const result = await this.#database.write((db) =>
      db
        .insertInto('job_runs')
        .values({ name, ...values, due_at: 0, ended_at: null, outcome: null, detail: null, failures: 0 })
        .onConflict((conflict) => {
          const free = conflict.column('name').doUpdateSet(values).where('job_runs.locked_until', '<=', now);
          return force ? free : free.where('job_runs.due_at', '<=', now);
        })
        .executeTakeFirst(),
    );
    return (result.numInsertedOrUpdatedRows ?? 0n) > 0n;
  }

  async end({ name, owner, now, dueAt, outcome, detail }: Parameters<JobRunRepository['end']>[0]): Promise<void> {
    await this.#database.write((db) =>
      db
        .updateTable('job_runs')
        .set({
          locked_until: 0,
          due_at: dueAt,
          ended_at: now,
          outcome,
          detail: detail === null ? null : storableText(detail),
          failures: outcome === 'ok' ? 0 : sql<number>`failures + 1`,
        })
        .where('name', '=', name)
        .where('owner', '=', owner)
        .execute(),
    );
  }

  async list(): Promise<JobRunRecord[]> {
    const rows = await this.#database.read.selectFrom('job_runs').selectAll().orderBy('name').execute();
    return rows.map(jobRunRecord);
  }
}

/** {@link AuditRepository} on either engine. */
export class SqlAuditRepository implements AuditRepository {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async add(event: AuditRecord): Promise<void> {
    const detail = event.detail === null ? null : storableText(event.detail);
    await this.#database.write((db) =>
      db
        .insertInto('audit_events')
        .values({ ...event, detail })
        .execute(),
    );
  }

  async list({ subject, before, limit }: Parameters<AuditRepository['list']>[0]): Promise<AuditRecord[]> {
    let query = this.#database.read
      .selectFrom('audit_events')
      .select(['id', 'at', 'action', 'actor', 'subject', 'detail'])
      .orderBy('id', 'desc')
      .limit(limit);
    if (subject !== undefined) query = query.where('subject', '=', subject);
    if (before !== undefined) query = query.where('id', '<', before);
    const rows: Selectable<AuditEventTable>[] = await query.execute();
    return rows.map((row) => ({ ...row }));
  }

  async eraseSubject(subject: string): Promise<void> {
    await this.#database.write((db) => db.deleteFrom('audit_events').where('subject', '=', subject).execute());
  }

  async deleteOld(before: number, limit: number): Promise<number> {
    const result = await this.#database.write((db) =>
      db
        .deleteFrom('audit_events')
        .where('id', 'in', (eb) => eb.selectFrom('audit_events').select('id').where('at', '<', before).limit(limit))
        .executeTakeFirst(),
    );
    return Number(result.numDeletedRows);
  }
}

/** {@link PeopleRepository} on either engine. */
export class SqlPeopleRepository implements PeopleRepository {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async list({ login, after, limit }: Parameters<PeopleRepository['list']>[0]): Promise<PersonRecord[]> {
    let query = this.#database.read
      .selectFrom('users')
      .select(['id', 'login', 'name', 'avatar_url', 'created_at', 'updated_at', 'blocked_at', 'valid_after'])
      .select((eb) =>
        eb
          .selectFrom('web_sessions')
          .select(({ fn }) => fn.max('last_seen_at').as('last'))
          .whereRef('web_sessions.user_id', '=', 'users.id')
          .where('ended_at', 'is', null)
          .as('last_seen_at'),
      )
      .orderBy('id')
      .limit(limit);
    if (after !== undefined) query = query.where('id', '>', after);
    if (login !== undefined) {
      const prefix = `${login.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`;
      query = query.where(sql<boolean>`lower(login) like ${prefix} escape '\\'`);
    }
    const rows = await query.execute();
    return rows.map((row) => ({ ...userRecord(row), lastSeenAt: row.last_seen_at }));
  }
}

function jobRunRecord(row: Selectable<JobRunTable>): JobRunRecord {
  return {
    name: row.name,
    owner: row.owner,
    lockedUntil: row.locked_until,
    dueAt: row.due_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    outcome: row.outcome,
    detail: row.detail,
    failures: row.failures,
  };
}
