/** What every figure stands on: a stand-in at no delay, gateways as processes of their own, the bare SDK, and sums. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CopilotClient, type CopilotSession, RuntimeConnection } from '@github/copilot-sdk';
import { playBrowser } from '../src/demo/browser.ts';
import type { StandIn } from '../src/demo/stand-in.ts';
import { Browser } from '../test/support/http-browser.ts';
import { CONNECTION_TOKEN, type HeadlessServer, startServer } from '../test/support/runtime-server.ts';
import { freePort, GatewayProcess, type StandInProcess, startStandInProcess } from './torture-processes.ts';

export { CONNECTION_TOKEN };

/** One line of the table. `ok`: the goal of performance.md is reached; null: it could not be measured here. */
export interface Figure {
  readonly id: string;
  readonly what: string;
  readonly ours: string;
  readonly other: string;
  readonly result: string;
  readonly goal: string;
  readonly ok: boolean | null;
}

/** How much is done. */
export interface Extent {
  readonly rounds: number;
  readonly quick: boolean;
}

/** A gateway under measurement. */
export interface BenchGateway {
  readonly process: GatewayProcess;
  readonly url: string;
  readonly dataDir: string;
  signIn(login: string): Promise<Browser>;
}

export class Ground implements AsyncDisposable {
  readonly standIn: StandInProcess;
  readonly #closing = new AsyncDisposableStack();

  private constructor(standIn: StandInProcess) {
    this.standIn = standIn;
    this.#closing.defer(() => standIn.stop());
  }

  static async lay(): Promise<Ground> {
    return new Ground(await startStandInProcess());
  }

  async directory(): Promise<string> {
    const path = await mkdtemp(join(tmpdir(), 'pilothouse-bench-'));
    this.#closing.defer(() => rm(path, { recursive: true, force: true, maxRetries: 5 }));
    return path;
  }

  /** As an operator runs it: `info` logging, everything on; only the rate limit is out of the way. */
  async gateway(env: Record<string, string> = {}): Promise<BenchGateway> {
    const dataDir = env.DATA_DIR ?? (await this.directory());
    const place = { dataDir, port: await freePort() };
    const gateway = new GatewayProcess(this.standIn, place, { LOG_LEVEL: 'info', TURNS_PER_USER: '100', ...env });
    this.#closing.defer(() => gateway.kill());
    await gateway.start();
    const signIn = async (login: string) => {
      const browser = new Browser(gateway.url);
      await browser.signIn({ authorize: playBrowser } as StandIn, login);
      return browser;
    };
    return { process: gateway, url: gateway.url, dataDir, signIn };
  }

  /** A headless server, as the guide starts it. */
  async server(): Promise<HeadlessServer> {
    const { copilotApiUrl, debugGitHubApiUrl } = this.standIn;
    const env = { COPILOT_API_URL: copilotApiUrl, COPILOT_DEBUG_GITHUB_API_URL: debugGitHubApiUrl };
    const server = await startServer('native', { volume: await this.directory(), env });
    this.#closing.defer(async () => {
      server.kill('SIGKILL');
      await server.ended();
    });
    return server;
  }

  /** A bare client on a process of its own, like one of ours. */
  async bareClient(): Promise<CopilotClient> {
    const directory = await this.directory();
    const { copilotApiUrl, debugGitHubApiUrl } = this.standIn;
    const client = new CopilotClient({
      connection: RuntimeConnection.forStdio({
        env: { HOME: directory, COPILOT_API_URL: copilotApiUrl, COPILOT_DEBUG_GITHUB_API_URL: debugGitHubApiUrl },
      }),
      mode: 'empty',
      useLoggedInUser: false,
      baseDirectory: directory,
      workingDirectory: directory,
    });
    this.#closing.defer(() => client.forceStop());
    await client.start();
    return client;
  }

  async sessionConfig(login: string) {
    return {
      gitHubToken: await this.token(login),
      model: 'gpt-5.4',
      streaming: true,
      availableTools: [],
      systemMessage: { mode: 'replace' as const, content: 'You are kind.' },
      disabledMcpServers: ['github-mcp-server'],
      enableSessionStore: false,
    };
  }

  async bareSession(client: CopilotClient, login: string, sessionId: string): Promise<CopilotSession> {
    return client.createSession({ sessionId, ...(await this.sessionConfig(login)) });
  }

  async token(login: string): Promise<string> {
    const response = await fetch(`${this.standIn.url}/_control`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ action: 'issueToken', login }),
    });
    return ((await response.json()) as { result: string }).result;
  }

  /** What the parts opened is closed with the ground. */
  defer(close: () => Promise<void> | void): void {
    this.#closing.defer(close);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#closing.disposeAsync();
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** Runs both sides in turn, `rounds` times, changing who begins. @returns the figures of each */
export async function paired(
  rounds: number,
  ours: () => Promise<number>,
  other: () => Promise<number>,
): Promise<{ ours: number; other: number; ratio: number }> {
  const [a, b, ratios]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < rounds; round += 1) {
    const first = round % 2 === 0 ? await ours() : await other();
    const second = round % 2 === 0 ? await other() : await ours();
    const [mine, theirs] = round % 2 === 0 ? [first, second] : [second, first];
    a.push(mine);
    b.push(theirs);
    ratios.push(mine / theirs);
  }
  return { ours: median(a), other: median(b), ratio: median(ratios) };
}
