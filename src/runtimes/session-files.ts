/**
 * A runtime session's files, kept in our store instead of on the runtime's disk. What the runtime appends is appended.
 */
import type { SessionFsFileInfo, SessionFsProvider } from '@github/copilot-sdk';
import type { SessionFileRepository } from '../session-files.ts';

/** Where a runtime keeps a session's state, in the session's own file tree. */
export const STATE_PATH = '/state';

/** Files of one session for the SDK. Nothing is touched until the runtime asks. */
export class SessionFiles implements SessionFsProvider {
  readonly #repository: SessionFileRepository;
  readonly #session: string;
  readonly #clock: () => number;
  readonly #mayWrite: () => Promise<void>;
  /**
   * Directories are remembered only while the session is open: files bring their own, the runtime does without empty ones
   * (a rebuilt session has none), and each would cost a commit of the store when the session is created.
   */
  readonly #directories = new Map<string, number>();
  #sealed = false;

  /** @param mayWrite rejects once another opening of the session has taken this one's place */
  constructor(repository: SessionFileRepository, session: string, clock: () => number, mayWrite: () => Promise<void>) {
    this.#repository = repository;
    this.#session = session;
    this.#clock = clock;
    this.#mayWrite = mayWrite;
  }

  /** From now on a runtime that lingers can no longer write. */
  seal(): void {
    this.#sealed = true;
  }

  async readFile(path: string): Promise<string> {
    return (await this.#repository.read(this.#session, path)) ?? missing(path);
  }

  async writeFile(path: string, content: string): Promise<void> {
    await this.#repository.write(await this.#writable(), path, content, this.#clock());
  }

  async appendFile(path: string, content: string): Promise<void> {
    await this.#repository.append(await this.#writable(), path, content, this.#clock());
  }

  async exists(path: string): Promise<boolean> {
    return (await this.#find(path)) !== null;
  }

  async stat(path: string): Promise<SessionFsFileInfo> {
    return describe((await this.#find(path)) ?? missing(path));
  }

  async mkdir(path: string): Promise<void> {
    await this.#writable();
    this.#directories.set(path, this.#clock());
  }

  async readdir(path: string): Promise<string[]> {
    return (await this.#list(path)).map((entry) => entry.name);
  }

  async readdirWithTypes(path: string): Promise<{ name: string; type: 'file' | 'directory' }[]> {
    return (await this.#list(path)).map((entry) => ({ name: entry.name, type: entry.kind }));
  }

  async rm(path: string, _recursive: boolean, force: boolean): Promise<void> {
    const removed = await this.#repository.remove(await this.#writable(), path);
    if (!this.#directories.delete(path) && !removed && !force) missing(path);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#repository.rename(await this.#writable(), from, to, this.#clock());
  }

  /** The session, as long as it may be written to. */
  async #writable(): Promise<string> {
    if (!this.#sealed) await this.#mayWrite();
    if (this.#sealed) throw new Error('The session is closed');
    return this.#session;
  }

  async #find(path: string): ReturnType<SessionFileRepository['stat']> {
    const found = await this.#repository.stat(this.#session, path);
    const madeAt = this.#directories.get(path);
    if (found || madeAt === undefined) return found;
    return { kind: 'directory', size: 0, createdAt: madeAt, modifiedAt: madeAt };
  }

  async #list(path: string): ReturnType<SessionFileRepository['list']> {
    try {
      return await this.#repository.list(this.#session, path);
    } catch (error) {
      if (this.#directories.has(path) && (error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }
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
