/**
 * A runtime session's files, kept in our store instead of on the runtime's disk. What the runtime appends is appended.
 */
import type { SessionFsFileInfo, SessionFsProvider } from '@github/copilot-sdk';
import type { SessionFileRepository } from '../session-files.ts';

/** Where a runtime keeps a session's state, in the session's own file tree. */
export const STATE_PATH = '/state';

/** Files of one session for the SDK. After `seal()` a runtime that lingers can no longer write. */
export interface SessionFiles extends SessionFsProvider {
  seal(): void;
}

/** Opens the file tree of one session. Nothing is touched until the runtime asks. */
export function openSessionFiles(
  repository: SessionFileRepository,
  session: string,
  clock: () => number,
): SessionFiles {
  let sealed = false;
  const writing = (): void => {
    if (sealed) throw new Error('The session is closed');
  };
  return {
    seal: () => {
      sealed = true;
    },
    readFile: async (path) => (await repository.read(session, path)) ?? missing(path),
    writeFile: async (path, content) => {
      writing();
      await repository.write(session, path, content, clock());
    },
    appendFile: async (path, content) => {
      writing();
      await repository.append(session, path, content, clock());
    },
    exists: async (path) => (await repository.stat(session, path)) !== null,
    stat: async (path) => describe((await repository.stat(session, path)) ?? missing(path)),
    mkdir: async (path) => {
      writing();
      await repository.mkdir(session, path, clock());
    },
    readdir: async (path) => (await repository.list(session, path)).map((entry) => entry.name),
    readdirWithTypes: async (path) =>
      (await repository.list(session, path)).map((entry) => ({ name: entry.name, type: entry.kind })),
    rm: async (path, _recursive, force) => {
      writing();
      const removed = await repository.remove(session, path);
      if (!removed && !force) missing(path);
    },
    rename: async (from, to) => {
      writing();
      await repository.rename(session, from, to, clock());
    },
  };
}

function describe(found: NonNullable<Awaited<ReturnType<SessionFileRepository['stat']>>>): SessionFsFileInfo {
  return {
    isFile: found.kind === 'file',
    isDirectory: found.kind === 'directory',
    size: found.size,
    mtime: new Date(found.modifiedAt).toISOString(),
    birthtime: new Date(found.createdAt).toISOString(),
  };
}

/** The runtime tells a file that is not there from a failure by this code alone. */
function missing(path: string): never {
  throw Object.assign(new Error(`There is no ${path}`), { code: 'ENOENT' });
}
