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
  /*
   * Directories are remembered only while the session is open: files bring their own, the runtime does without empty ones
   * (a rebuilt session has none), and each would cost a commit of the store when the session is created.
   */
  const directories = new Map<string, number>();
  let sealed = false;
  const writing = (): void => {
    if (sealed) throw new Error('The session is closed');
  };
  const stat = async (path: string): Promise<SessionFsFileInfo | null> => {
    const found = await repository.stat(session, path);
    if (found) return describe(found);
    const madeAt = directories.get(path);
    return madeAt === undefined
      ? null
      : describe({ kind: 'directory', size: 0, createdAt: madeAt, modifiedAt: madeAt });
  };
  const list = async (path: string): ReturnType<SessionFileRepository['list']> => {
    try {
      return await repository.list(session, path);
    } catch (error) {
      if (directories.has(path) && (error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
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
    exists: async (path) => (await stat(path)) !== null,
    stat: async (path) => (await stat(path)) ?? missing(path),
    mkdir: async (path) => {
      writing();
      directories.set(path, clock());
    },
    readdir: async (path) => (await list(path)).map((entry) => entry.name),
    readdirWithTypes: async (path) => (await list(path)).map((entry) => ({ name: entry.name, type: entry.kind })),
    rm: async (path, _recursive, force) => {
      writing();
      const removed = await repository.remove(session, path);
      if (!directories.delete(path) && !removed && !force) missing(path);
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
