/** Paths and names of runtime sessions' files, pure. */
import { posix } from 'node:path';

/** What POSIX would refuse, with its `code`: the SDK tells `ENOENT` from other failures by it. */
export class SessionFileError extends Error {
  readonly code: 'ENOENT' | 'EISDIR' | 'ENOTDIR' | 'ENOTEMPTY' | 'EINVAL' | 'EBUSY';

  constructor(code: SessionFileError['code'], path: string) {
    super(`${code}: ${path}`);
    this.name = 'SessionFileError';
    this.code = code;
  }
}

/** The root is there without having been made. */
export const ROOT = '/';

/**
 * `path` in its one form: absolute, without `.`, `..`, doubled or trailing slashes.
 * @throws SessionFileError `EINVAL` when it is not absolute or has a NUL.
 */
export function sessionPath(path: string): string {
  if (!path.startsWith('/') || path.includes('\0')) throw new SessionFileError('EINVAL', path);
  const normal = posix.normalize(path).replace(/^\/+/, '/');
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
}

/** Directories above `path`, nearest first, without the root. */
export function parentsOf(path: string): string[] {
  const parents: string[] = [];
  for (let parent = posix.dirname(path); parent !== ROOT; parent = posix.dirname(parent)) parents.push(parent);
  return parents;
}

/** The range of paths below `directory`: `0` is the sign after `/`, and paths are compared bytewise. */
export function below(directory: string): { from: string; to: string } {
  return directory === ROOT ? { from: '/', to: '0' } : { from: `${directory}/`, to: `${directory}0` };
}

/** The chat of `user-<userId>-<chatId>`; another name is its own chat, which never exists, so that it counts as orphaned. */
export function chatOfSession(session: string): string {
  return /^user-[^-]+-(.+)$/.exec(session)?.[1] ?? session;
}
