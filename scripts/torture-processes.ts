/**
 * The processes under torture: the stand-in of GitHub and Copilot, and the real gateway (`src/main.ts`), which is killed and
 * started again on the same data. Linux only: what is left of a killed gateway is looked up in `/proc`.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { standInEnvironment } from '../src/demo/stand-in-environment.ts';

/** Where the parts of a stand-in are, as it prints them. */
export interface StandInAddresses {
  readonly url: string;
  readonly githubUrl: string;
  readonly githubApiUrl: string;
  readonly copilotApiUrl: string;
  readonly debugGitHubApiUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** A stand-in in a process of its own. */
export interface StandInProcess extends StandInAddresses {
  stop(): Promise<void>;
}

/** Generous: other work may load the machine. */
const START_MS = 60_000;

/** Starts one on a free port. */
export async function startStandInProcess(): Promise<StandInProcess> {
  const child = spawn(process.execPath, ['src/demo/stand-in-main.ts'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const [line] = (await once(lines, 'line', { signal: AbortSignal.timeout(START_MS) })) as [string];
  return { ...(JSON.parse(line) as StandInAddresses), stop: () => end(child, 'SIGTERM') };
}

/** A gateway that can be killed. Its caller stops it for good with {@link GatewayProcess.kill}. */
export class GatewayProcess {
  readonly url: string;
  readonly dataDir: string;
  readonly #env: Record<string, string>;
  #child: ChildProcess | null = null;
  #told: string[] = [];

  constructor(standIn: StandInAddresses, place: { dataDir: string; port: number }, env: Record<string, string> = {}) {
    this.url = `http://localhost:${place.port}`;
    this.dataDir = place.dataDir;
    this.#env = {
      PORT: String(place.port),
      PUBLIC_URL: this.url,
      DATA_DIR: place.dataDir,
      ...standInEnvironment(standIn),
      RATE_LIMIT_PER_MINUTE: '1000000',
      LOG_LEVEL: 'warn',
      ...env,
    };
  }

  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  /** The last lines it logged. */
  get told(): readonly string[] {
    return this.#told;
  }

  /** Starts it without waiting. */
  spawn(): void {
    const child = spawn(process.execPath, ['src/main.ts'], { env: this.#env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream as NodeJS.ReadableStream }).on('line', (line) => {
        this.#told = [...this.#told.slice(-49), line];
      });
    }
  }

  /** Starts it and waits until it is ready. @returns the milliseconds that took */
  async start(): Promise<number> {
    const begun = performance.now();
    this.spawn();
    for (;;) {
      if (await isReady(this.url)) return performance.now() - begun;
      const { exitCode = 0 } = this.#child ?? {};
      if (exitCode !== null || performance.now() - begun > START_MS) {
        await delay(200); // its last lines are on their way
        const how = exitCode === null ? `in ${START_MS} ms` : `but exited with ${exitCode}`;
        throw new Error(`The gateway did not get ready ${how}:\n${this.#told.join('\n')}`);
      }
      await delay(20);
    }
  }

  /** SIGKILL, and waits until it is gone. */
  async kill(): Promise<void> {
    if (this.#child !== null) await end(this.#child, 'SIGKILL');
  }

  /** SIGTERM. @returns its exit code and the milliseconds it took */
  async terminate(): Promise<{ code: number | null; ms: number }> {
    const child = this.#child;
    if (child === null) throw new Error('It was never started');
    const begun = performance.now();
    child.kill('SIGTERM');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    return { code: child.exitCode, ms: performance.now() - begun };
  }

  /** Runtime processes that live on its data and are not children of the running gateway. */
  orphans(): number[] {
    return runtimesBelow(this.dataDir).filter((pid) => parentOf(pid) !== this.pid);
  }

  /** Runtime processes of the running gateway. */
  runtimes(): number[] {
    return runtimesBelow(this.dataDir).filter((pid) => parentOf(pid) === this.pid);
  }
}

/** Processes whose home lies below `dataDir` or its temporary places: runtimes that a gateway there started. */
export function runtimesBelow(dataDir: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) =>
      read(`/proc/${pid}/environ`)
        .split('\0')
        .some((entry) => entry.startsWith(`HOME=${dataDir}/`)),
    );
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
}

async function isReady(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) });
    await answer.body?.cancel();
    return answer.status === 200;
  } catch {
    return false; // it does not listen yet
  }
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s*(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? -1);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it ended while we looked
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}
