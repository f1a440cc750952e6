/**
 * Private directories of runtime processes: `DATA_DIR/runtimes/<gateway process>/<number>`, mode 0700. A process's goes
 * with the process; what a killed gateway left behind goes when the next one starts.
 */

import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import type { RuntimeLogger } from './runtime-parts.ts';

/** A gateway on another host that gave no sign of life for so long is gone. */
const ABANDONED_MS = 10 * 60_000;

/** What one runtime process is given of the disk. */
export interface RuntimeDirectory {
  readonly home: string;
  readonly cache: string;
  readonly temporary: string;
  readonly work: string;
  readonly state: string;
  remove(): Promise<void>;
}

/** All directories of this gateway process. */
export interface RuntimeDirectories {
  make(): Promise<RuntimeDirectory>;
  /** Keeps other gateways from taking them for abandoned. */
  touch(now: number): Promise<void>;
  close(): Promise<void>;
}

/** Makes this process's own directory and removes those of dead ones, as far as that is possible. */
export async function openRuntimeDirectories(
  dataDir: string,
  now: number,
  logger: Pick<RuntimeLogger, 'error'>,
): Promise<RuntimeDirectories> {
  const root = resolve(dataDir, 'runtimes');
  const own = join(root, `${safeHostname()}@${process.pid}@${randomBytes(6).toString('hex')}`);
  await mkdir(root, { recursive: true, mode: 0o700 });
  const removed = removeLogging(logger);
  await removeAbandoned(root, now, removed);
  await mkdir(own, { mode: 0o700 });
  let count = 0;
  return {
    make: async () => {
      count += 1;
      return makeDirectory(join(own, String(count)));
    },
    touch: async (at) => utimes(own, at / 1000, at / 1000),
    close: () => removed(own),
  };
}

type Remove = (path: string) => Promise<void>;

/** One that stays (a full or failing disk) keeps no gateway from starting or ending: the next one tries again. */
function removeLogging(logger: Pick<RuntimeLogger, 'error'>): Remove {
  return async (path) => {
    try {
      await rm(path, { recursive: true, force: true, maxRetries: 3 });
    } catch (error) {
      logger.error({ err: error }, 'a directory of runtimes could not be removed');
    }
  };
}

async function makeDirectory(base: string): Promise<RuntimeDirectory> {
  const of = (name: string): string => join(base, name);
  const made = { home: of('home'), cache: of('cache'), temporary: of('tmp'), work: of('work'), state: of('state') };
  await mkdir(base, { mode: 0o700 });
  await Promise.all(Object.values(made).map((path) => mkdir(path, { mode: 0o700 })));
  return { ...made, remove: () => rm(base, { recursive: true, force: true, maxRetries: 3 }) };
}

async function removeAbandoned(root: string, now: number, remove: Remove): Promise<void> {
  for (const name of await readdir(root)) {
    const path = join(root, name);
    const touched = await stat(path).then(
      (found) => found.mtimeMs,
      () => null, // another gateway was quicker
    );
    if (touched === null) continue;
    if (isAbandoned(name, { touched, now, host: safeHostname(), pid: process.pid, isAlive })) {
      await remove(path);
    }
  }
}

/** Whether the gateway process that made a directory of that name is gone. */
export function isAbandoned(
  name: string,
  seen: { touched: number; now: number; host: string; pid: number; isAlive: (pid: number) => boolean },
): boolean {
  const [host, digits] = name.split('@');
  const pid = Number(digits);
  if (host !== seen.host || !Number.isInteger(pid)) return seen.now - seen.touched > ABANDONED_MS;
  // In a container every gateway has the same pid: a directory with ours that is not ours is of the one before.
  return pid === seen.pid || !seen.isAlive(pid);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function safeHostname(): string {
  return hostname().replace(/[^\w.-]/g, '_') || 'host';
}
