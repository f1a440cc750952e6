/**
 * A whole gateway for tests: real store, real runtime, real HTTP on a port of its own, with the stand-in as GitHub and
 * Copilot. `signIn` plays the browser through the real OAuth flow.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig } from '../../src/config.ts';
import { type StandIn, type StandInOptions, startStandIn } from '../../src/demo/stand-in.ts';
import { standInEnvironment } from '../../src/demo/stand-in-environment.ts';
import { type Gateway, openGateway } from '../../src/gateway.ts';
import { createLogger } from '../../src/logging.ts';
import { Browser } from './http-browser.ts';

export interface TestGateway {
  readonly url: string;
  readonly standIn: StandIn;
  readonly gateway: Gateway;
  readonly dataDir: string;
  /** Everything the gateway logged, one JSON line each. */
  readonly logLines: string[];
  /** The environment it was configured with. */
  readonly env: Readonly<Record<string, string>>;
  /** A browser that signed in as `login`. */
  signIn(login: string): Promise<Browser>;
  /** A browser nobody signed in with. */
  browser(): Browser;
  /** Shuts the gateway down and opens another on the same data, address and stand-in. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export interface TestGatewayOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly standIn?: StandInOptions;
  /** Shared with other gateways: then its owner closes it. */
  readonly sharedStandIn?: StandIn;
  /** What its machine believes the time to be. */
  readonly clock?: () => number;
}

/** The environment of a gateway that talks to `standIn`. */
export function gatewayEnvironment(standIn: StandIn, place: { dataDir: string; port: number }): Record<string, string> {
  return {
    PORT: String(place.port),
    PUBLIC_URL: `http://localhost:${place.port}`,
    DATA_DIR: place.dataDir,
    ...standInEnvironment(standIn),
    LOG_LEVEL: 'debug',
  };
}

/** Starts one. The caller closes it. */
export async function startTestGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const standIn = options.sharedStandIn ?? (await startStandIn(options.standIn));
  const dataDir = await mkdtemp(join(tmpdir(), 'pilothouse-test-'));
  const port = await freePort();
  const env = { ...gatewayEnvironment(standIn, { dataDir, port }), ...options.env };
  const logLines: string[] = [];
  const open = async () => {
    const config = parseConfig(env);
    const logger = createLogger({
      level: config.logLevel,
      secrets: [],
      destination: { write: (line) => void logLines.push(line) },
    });
    const gateway = await openGateway(config, logger, options.clock);
    await gateway.listen();
    return gateway;
  };
  let gateway = await open().catch(async (error: unknown) => {
    // A stand-in that is left behind would keep the test from ever ending.
    if (options.sharedStandIn === undefined) await standIn.close();
    throw error;
  });
  const url = `http://localhost:${port}`;
  return {
    url,
    standIn,
    get gateway() {
      return gateway;
    },
    dataDir,
    logLines,
    env,
    browser: () => new Browser(url),
    signIn: async (login) => {
      const browser = new Browser(url);
      await browser.signIn(standIn, login);
      return browser;
    },
    restart: async () => {
      await gateway.shutdown();
      gateway = await open();
    },
    close: async () => {
      await gateway.shutdown();
      if (options.sharedStandIn === undefined) await standIn.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}
