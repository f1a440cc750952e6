/** Moving a session's file or directory, as `rename(2)` does. */
import { posix } from 'node:path';
import { type Kysely, sql } from 'kysely';
import type { Schema } from './schema.ts';
import { findEntry, makeDirectories } from './session-file-rows.ts';
import { below, ROOT, SessionFileError } from './session-path.ts';

/**
 * Moves `from`, with all below it, to `to`; a file there is replaced, as is an empty directory by a directory.
 * @throws SessionFileError `ENOENT`, `EISDIR`, `ENOTDIR`, `ENOTEMPTY`, `EINVAL` (into itself), `EBUSY` (the root)
 */
export async function renameFile(
  trx: Kysely<Schema>,
  session: string,
  from: string,
  to: string,
  now: number,
): Promise<void> {
  if (from === ROOT || to === ROOT) throw new SessionFileError('EBUSY', ROOT);
  const source = await findEntry(trx, session, from);
  if (!source) throw new SessionFileError('ENOENT', from);
  if (from === to) return;
  if (to.startsWith(`${from}/`)) throw new SessionFileError('EINVAL', to);
  await makeRoom(trx, session, source.kind, to);
  await makeDirectories(trx, session, posix.dirname(to), now);
  await moveTree(trx, session, from, to);
}

async function makeRoom(trx: Kysely<Schema>, session: string, kind: 'file' | 'directory', to: string): Promise<void> {
  const target = await findEntry(trx, session, to);
  if (!target) return;
  if (target.kind === 'directory' && kind === 'file') throw new SessionFileError('EISDIR', to);
  if (target.kind === 'file' && kind === 'directory') throw new SessionFileError('ENOTDIR', to);
  const child = await trx
    .selectFrom('session_files')
    .select('id')
    .where('session', '=', session)
    .where('parent', '=', to)
    .limit(1)
    .executeTakeFirst();
  if (child) throw new SessionFileError('ENOTEMPTY', to);
  await trx.deleteFrom('session_files').where('id', '=', target.id).execute();
}

async function moveTree(trx: Kysely<Schema>, session: string, from: string, to: string): Promise<void> {
  const { from: first, to: end } = below(from);
  // Both engines count characters from 1, JavaScript UTF-16 units: the cut is made by SQL's own count of `from`.
  await trx
    .updateTable('session_files')
    .set({
      path: sql<string>`cast(${to} as text) || substr(path, length(cast(${from} as text)) + 1)`,
      parent: sql<string>`case when path = ${from} then ${posix.dirname(to)}
        else cast(${to} as text) || substr(parent, length(cast(${from} as text)) + 1) end`,
    })
    .where('session', '=', session)
    .where((eb) => eb.or([eb('path', '=', from), eb.and([eb('path', '>=', first), eb('path', '<', end)])]))
    .execute();
}
