/**
 * The port between the runtimes, which write files of their sessions, and the store, which keeps them. It stands below both:
 * neither room knows the other.
 */

/**
 * Files of runtime sessions, for the SDK's `sessionFs`. A `session` is `user-<userId>-<chatId>`; paths are absolute POSIX.
 * Directories are made by `mkdir` and, with all their parents, by writing a file into them. What POSIX refuses rejects
 * with an `Error` whose `code` is POSIX's: `ENOENT` (list of or rename from what is not there), `EISDIR`, `ENOTDIR`,
 * `ENOTEMPTY`, `EINVAL` (a path that is not absolute).
 */
export interface SessionFileRepository {
  read(session: string, path: string): Promise<string | null>;
  write(session: string, path: string, content: string, now: number): Promise<void>;
  /** One row per append; never rewrites what is there. */
  append(session: string, path: string, content: string, now: number): Promise<void>;
  stat(
    session: string,
    path: string,
  ): Promise<{ kind: 'file' | 'directory'; size: number; createdAt: number; modifiedAt: number } | null>;
  mkdir(session: string, path: string, now: number): Promise<void>;
  list(session: string, path: string): Promise<{ name: string; kind: 'file' | 'directory' }[]>;
  /** Removes a file, or a directory with all below it. Returns false if nothing was there. */
  remove(session: string, path: string): Promise<boolean>;
  rename(session: string, from: string, to: string, now: number): Promise<void>;
  deleteSession(session: string): Promise<void>;
  /** Sessions whose chat is gone, a few at a time. */
  orphans(limit: number): Promise<string[]>;
  /**
   * Notes that the session is to go from the runtimes too. The deletion of a chat notes its own, so that nothing of it is
   * forgotten on a server that is away.
   */
  noteDeletion(session: string): Promise<void>;
  /** Nobody has it any more: the note goes. */
  confirmDeletion(session: string): Promise<void>;
  /** Noted and not confirmed, by name after `after`. */
  unconfirmedDeletions(limit: number, after: string | null): Promise<string[]>;
}
