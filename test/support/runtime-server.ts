import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Which headless server: the SDK's own runtime, or the full CLI of people's machines. */
export type ServerKind = 'native' | 'cli';

/** A headless server as an operator would run it, with a volume that outlives it. */
export interface HeadlessServer {
  readonly url: string;
  readonly pid: number;
  kill(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void;
  /** Waits for its end. */
  ended(): Promise<void>;
}

export const CONNECTION_TOKEN = 'connection-token-of-the-tests';

const arch = process.arch === 'arm64' ? 'arm64' : 'x64';
const BINARIES: Record<ServerKind, string> = {
  native: `@github/copilot-sdk-linux-${arch}/prebuilds/linux-${arch}/copilot-runtime`,
  cli: `@github/copilot-linux-${arch}/copilot`,
};

/** Starts a server; it listens when the promise resolves. */
export async function startServer(
  kind: ServerKind,
  settings: { volume: string; env: Record<string, string>; port?: number; token?: string },
): Promise<HeadlessServer> {
  const { volume, env, port = 0, token = CONNECTION_TOKEN } = settings;
  mkdirSync(volume, { recursive: true });
  const binary = fileURLToPath(new URL(`../../node_modules/${BINARIES[kind]}`, import.meta.url));
  const child = spawn(binary, ['--headless', '--no-auto-update', '--port', String(port)], {
    cwd: volume,
    env: {
      ...env,
      PATH: '/usr/bin:/bin',
      HOME: volume,
      TMPDIR: volume,
      COPILOT_HOME: volume,
      COPILOT_CONNECTION_TOKEN: token,
    },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const listening = await listeningPort(child);
  return {
    url: `127.0.0.1:${listening}`,
    pid: child.pid ?? 0,
    kill: (signal) => void child.kill(signal),
    ended: async () => {
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}

async function listeningPort(child: ChildProcess): Promise<number> {
  if (!child.stdout) throw new Error('The server has no stdout');
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /listening on port (\d+)/i.exec(line)?.[1];
    if (port === undefined) continue;
    child.stdout.resume(); // read on, or the server blocks one day
    return Number(port);
  }
  throw new Error('The server ended before it listened');
}
