/** Rows of session files and directories, in the caller's transaction. */
import { posix } from 'node:path';
import type { Kysely, Selectable } from 'kysely';
import type { Schema, SessionFileTable } from './schema.ts';
import { chatOfSession, parentsOf, ROOT, SessionFileError } from './session-path.ts';

/** A row of `session_files`, or the root. */
export type EntryRow = Omit<Selectable<SessionFileTable>, 'session' | 'chat_id'>;

const ROOT_ENTRY: EntryRow = {
  id: 0,
  path: ROOT,
  parent: '',
  kind: 'directory',
  size: 0,
  next_chunk: 0,
  created_at: 0,
  modified_at: 0,
};

/** The entry at `path`. */
export async function findEntry(db: Kysely<Schema>, session: string, path: string): Promise<EntryRow | undefined> {
  if (path === ROOT) return ROOT_ENTRY;
  return db
    .selectFrom('session_files')
    .selectAll()
    .where('session', '=', session)
    .where('path', '=', path)
    .executeTakeFirst();
}

/**
 * The file at `path`, locked on PostgreSQL; made, with the directories above it, if there is none.
 * @throws SessionFileError `EISDIR`, `ENOTDIR`
 */
export async function makeFile(trx: Kysely<Schema>, session: string, path: string, now: number): Promise<EntryRow> {
  if (path === ROOT) throw new SessionFileError('EISDIR', path);
  const found = await lockEntry(trx, session, path, now);
  if (found?.kind === 'directory') throw new SessionFileError('EISDIR', path);
  if (found) return found;
  await makeDirectories(trx, session, posix.dirname(path), now);
  await trx
    .insertInto('session_files')
    .values(newEntry(session, path, 'file', now))
    .onConflict((conflict) => conflict.columns(['session', 'path']).doNothing())
    .execute();
  const made = await lockEntry(trx, session, path, now);
  if (made?.kind !== 'file') throw new SessionFileError('EISDIR', path);
  return made;
}

/**
 * Makes the directory `path` and those above it, as far as they are missing.
 * @throws SessionFileError `ENOTDIR` when one of them is a file.
 */
export async function makeDirectories(trx: Kysely<Schema>, session: string, path: string, now: number): Promise<void> {
  if (path === ROOT) return;
  const paths = [path, ...parentsOf(path)];
  await trx
    .insertInto('session_files')
    .values(paths.map((directory) => newEntry(session, directory, 'directory', now)))
    .onConflict((conflict) => conflict.columns(['session', 'path']).doNothing())
    .execute();
  const file = await trx
    .selectFrom('session_files')
    .select('path')
    .where('session', '=', session)
    .where('path', 'in', paths)
    .where('kind', '=', 'file')
    .executeTakeFirst();
  if (file) throw new SessionFileError('ENOTDIR', file.path);
}

/** An update that locks: on PostgreSQL two appends to one file follow each other. */
async function lockEntry(
  trx: Kysely<Schema>,
  session: string,
  path: string,
  now: number,
): Promise<EntryRow | undefined> {
  return trx
    .updateTable('session_files')
    .set({ modified_at: now })
    .where('session', '=', session)
    .where('path', '=', path)
    .returningAll()
    .executeTakeFirst();
}

function newEntry(session: string, path: string, kind: 'file' | 'directory', now: number) {
  return {
    session,
    chat_id: chatOfSession(session),
    path,
    parent: posix.dirname(path),
    kind,
    size: 0,
    next_chunk: 0,
    created_at: now,
    modified_at: now,
  };
}
