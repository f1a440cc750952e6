/** A gateway or a worker as a process of its own, to be killed, stopped and woken. Its starter kills it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from './gateway.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const START_MS = 60_000;

export class InstanceProcess {
  readonly #env: Readonly<Record<string, string>>;
  readonly #main: 'main' | 'worker';
  #child: ChildProcess | null = null;
  #told: string[] = [];
  #port = 0;

  /** @param main `worker`: it answers for its health alone */
  constructor(env: Readonly<Record<string, string>>, main: 'main' | 'worker' = 'main') {
    this.#env = env;
    this.#main = main;
  }

  get url(): string {
    return `http://localhost:${this.#port}`;
  }

  /** 0 until it was started. */
  get port(): number {
    return this.#port;
  }

  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  /** The last lines it logged. */
  get told(): readonly string[] {
    return this.#told;
  }

  /** Starts it and waits until it is ready; again on the same port. `port`: where, the first time; absent: any free one */
  async start(port?: number): Promise<void> {
    if (this.#port === 0) this.#port = port ?? (await freePort());
    const at = String(this.#port);
    const where = this.#main === 'worker' ? { OPS_PORT: at, OPS_HOST: 'localhost' } : { PORT: at };
    const child = spawn(process.execPath, [`src/${this.#main}.ts`], {
      cwd: ROOT,
      env: { LOG_LEVEL: 'debug', ...this.#env, ...where },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => (this.#told = [...this.#told.slice(-199), line]));
    }
    const deadline = performance.now() + START_MS;
    while (!(await this.isReady())) {
      if (child.exitCode !== null || performance.now() > deadline)
        throw new Error(`It did not get ready:\n${this.#told.join('\n')}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async isReady(): Promise<boolean> {
    try {
      const answer = await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(2_000) });
      await answer.body?.cancel();
      return answer.status === 200;
    } catch {
      return false; // it does not listen
    }
  }

  /** Turns it runs, as its metrics tell it. */
  async running(): Promise<number> {
    const metrics = await (await fetch(`${this.url}/metrics`)).text();
    return Number(/^pilothouse_turns_running(?:\{[^}]*\})? (\d+)/m.exec(metrics)?.[1] ?? Number.NaN);
  }

  /** As a machine that stands still. */
  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Waits until it ends by itself. @returns its exit code */
  async ended(): Promise<number | null> {
    const child = this.#child;
    if (child !== null && child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    return child?.exitCode ?? null;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** SIGTERM. @returns its exit code */
  async terminate(): Promise<number | null> {
    return this.#end('SIGTERM');
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (child === null) return null;
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
    }
    return child.exitCode;
  }
}
