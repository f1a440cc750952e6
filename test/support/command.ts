/** Commands of `scripts/` as processes of their own, as `npm run` starts them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');

/** How a command ended. */
export interface CommandEnd {
  /** Null: it was killed. */
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A command under way. */
export interface Command {
  readonly process: ChildProcess;
  readonly ended: Promise<CommandEnd>;
}

/** Starts `scripts/<name>.ts` with nothing in its environment but `env`. */
export function startCommand(name: string, args: readonly string[], env: Record<string, string> = {}): Command {
  const child = spawn(process.execPath, [join('scripts', `${name}.ts`), ...args], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { out: '', err: '' };
  child.stdout.on('data', (chunk) => (said.out += chunk));
  child.stderr.on('data', (chunk) => (said.err += chunk));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...said }));
  return { process: child, ended };
}

/** Runs one to its end. */
export function runCommand(name: string, args: readonly string[], env?: Record<string, string>): Promise<CommandEnd> {
  return startCommand(name, args, env).ended;
}
