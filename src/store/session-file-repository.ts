/**
 * Files of runtime sessions: a row per file and directory, contents in chunks, so that appending never rewrites. A runtime
 * waits for each write in the middle of a turn, and the turn's end, which commits durably after them, takes them along:
 * they need no wait for the disk of their own. A power cut in between loses the end as well, and such a turn's session is
 * rebuilt from the history.
 */
import { posix } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Kysely, Selectable } from 'kysely';
import { type Database, type PreparedQuery, type Statement, slot, slots } from './database.ts';
import type { Schema, SessionFileTable } from './schema.ts';
import { renameFile } from './session-file-rename.ts';
import { findEntry, makeDirectories, makeFile } from './session-file-rows.ts';
import { below, SessionFileError, sessionPath } from './session-path.ts';
import { storableText } from './storable-text.ts';
import type { SessionFileRepository } from './store.ts';

/** Rows looked at between two breaths of the event loop. */
const ORPHAN_STEP = 500;

type Trx = Kysely<Schema>;

/** {@link SessionFileRepository} on either engine. */
export class SqlSessionFileRepository implements SessionFileRepository {
  readonly #database: Database;
  readonly #content: PreparedQuery<{ kind: string; content: string | null }>;
  readonly #grow: Statement<{ id: number; next_chunk: number }>;
  readonly #addChunk: Statement<unknown>;

  constructor(database: Database) {
    this.#database = database;
    const { read } = database;
    this.#content = database.prepare(
      'files_content',
      // One statement, one snapshot: a file without chunks answers one row without content.
      read
        .selectFrom('session_files')
        .leftJoin('session_file_chunks', 'session_file_chunks.file_id', 'session_files.id')
        .select(['session_files.kind', 'session_file_chunks.content'])
        .where('session', '=', slot<string>('session'))
        .where('path', '=', slot<string>('path'))
        .orderBy('session_file_chunks.position'),
    );
    this.#grow = database.statement('files_grow', growFile(read));
    this.#addChunk = database.statement(
      'files_add_chunk',
      read.insertInto('session_file_chunks').values(slots(['file_id', 'position', 'content'])),
    );
  }

  async read(session: string, path: string): Promise<string | null> {
    const rows = await this.#content({ session, path: sessionPath(path) });
    if (rows[0]?.kind !== 'file') return null;
    return rows.map((row) => row.content ?? '').join('');
  }

  async write(session: string, path: string, content: string, now: number): Promise<void> {
    const text = storableText(content);
    await this.#database.trailing(async (trx) => {
      const file = await makeFile(trx, session, sessionPath(path), now);
      await trx.deleteFrom('session_file_chunks').where('file_id', '=', file.id).execute();
      await this.#putChunk(trx, { id: file.id, size: 0, next_chunk: 0 }, text, now);
    });
  }

  async append(session: string, path: string, content: string, now: number): Promise<void> {
    const text = storableText(content);
    const file = { session, path: sessionPath(path) };
    const bytes = Buffer.byteLength(text);
    await this.#database.trailing(async (trx) => {
      const [grown] = text === '' ? [] : (await this.#grow(trx, { ...file, bytes, now })).rows;
      if (grown) await this.#addChunk(trx, { file_id: grown.id, position: grown.next_chunk - 1, content: text });
      else await this.#putChunk(trx, await makeFile(trx, session, file.path, now), text, now);
    });
  }

  async stat(session: string, path: string): ReturnType<SessionFileRepository['stat']> {
    const entry = await findEntry(this.#database.read, session, sessionPath(path));
    if (!entry) return null;
    return { kind: entry.kind, size: entry.size, createdAt: entry.created_at, modifiedAt: entry.modified_at };
  }

  async mkdir(session: string, path: string, now: number): Promise<void> {
    await this.#database.trailing((trx) => makeDirectories(trx, session, sessionPath(path), now));
  }

  async list(session: string, path: string): Promise<{ name: string; kind: 'file' | 'directory' }[]> {
    const directory = sessionPath(path);
    const rows = await this.#database.read
      .selectFrom('session_files')
      .select(['path', 'kind'])
      .where('session', '=', session)
      .where('parent', '=', directory)
      .orderBy('path')
      .execute();
    if (rows.length === 0) {
      const entry = await findEntry(this.#database.read, session, directory);
      if (!entry) throw new SessionFileError('ENOENT', path);
      if (entry.kind === 'file') throw new SessionFileError('ENOTDIR', path);
    }
    return rows.map((row) => ({ name: posix.basename(row.path), kind: row.kind }));
  }

  async remove(session: string, path: string): Promise<boolean> {
    const entry = sessionPath(path);
    const { from, to } = below(entry);
    const result = await this.#database.write((db) =>
      db
        .deleteFrom('session_files')
        .where('session', '=', session)
        .where((eb) => eb.or([eb('path', '=', entry), eb.and([eb('path', '>=', from), eb('path', '<', to)])]))
        .executeTakeFirst(),
    );
    return result.numDeletedRows > 0n;
  }

  async rename(session: string, from: string, to: string, now: number): Promise<void> {
    await this.#database.trailing((trx) => renameFile(trx, session, sessionPath(from), sessionPath(to), now));
  }

  async deleteSession(session: string): Promise<void> {
    await this.#database.write((db) => db.deleteFrom('session_files').where('session', '=', session).execute());
  }

  async orphans(limit: number): Promise<string[]> {
    const orphans: string[] = [];
    let after = '';
    for (;;) {
      const sessions = await this.#sessionsAfter(after);
      for (const { session, chat } of sessions) {
        if (chat === null) orphans.push(session);
        if (orphans.length >= limit) return orphans;
      }
      const last = sessions.at(-1);
      if (!last || sessions.length < ORPHAN_STEP) return orphans;
      after = last.session;
      await nextTurn();
    }
  }

  async noteDeletion(session: string): Promise<void> {
    await this.#database.write((db) =>
      db
        .insertInto('deleted_sessions')
        .values({ session })
        .onConflict((conflict) => conflict.doNothing())
        .execute(),
    );
  }

  async confirmDeletion(session: string): Promise<void> {
    await this.#database.write((db) => db.deleteFrom('deleted_sessions').where('session', '=', session).execute());
  }

  async unconfirmedDeletions(limit: number, after: string | null): Promise<string[]> {
    const rows = await this.#database.read
      .selectFrom('deleted_sessions')
      .select('session')
      .where('session', '>', after ?? '')
      .orderBy('session')
      .limit(limit)
      .execute();
    return rows.map((row) => row.session);
  }

  #sessionsAfter(after: string): Promise<{ session: string; chat: string | null }[]> {
    return this.#database.read
      .selectFrom('session_files')
      .leftJoin('chats', 'chats.id', 'session_files.chat_id')
      .select(['session_files.session', 'chats.id as chat'])
      .distinct()
      .where('session', '>', after)
      .orderBy('session')
      .limit(ORPHAN_STEP)
      .execute();
  }

  async #putChunk(
    trx: Trx,
    file: Pick<Selectable<SessionFileTable>, 'id' | 'size' | 'next_chunk'>,
    content: string,
    now: number,
  ): Promise<void> {
    const chunk = content === '' ? 0 : 1;
    await trx
      .updateTable('session_files')
      .set({
        size: file.size + Buffer.byteLength(content),
        next_chunk: file.next_chunk + chunk,
        modified_at: now,
      })
      .where('id', '=', file.id)
      .execute();
    if (chunk === 0) return;
    await trx
      .insertInto('session_file_chunks')
      .values({ file_id: file.id, position: file.next_chunk, content })
      .execute();
  }
}

/** Makes room for one more chunk of a file that is there: what a runtime does in every turn. Locks it on PostgreSQL. */
function growFile(db: Kysely<Schema>) {
  return db
    .updateTable('session_files')
    .set((eb) => ({
      size: eb('size', '+', slot<number>('bytes')),
      next_chunk: eb('next_chunk', '+', 1),
      modified_at: slot<number>('now'),
    }))
    .where('session', '=', slot<string>('session'))
    .where('path', '=', slot<string>('path'))
    .where('kind', '=', 'file')
    .returning(['id', 'next_chunk']);
}
