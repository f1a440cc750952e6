/** A whole gateway with its page, for tests in a real browser: real store, real runtime, the stand-in as GitHub and Copilot. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig } from '../../src/config.ts';
import { type StandIn, type StandInOptions, startStandIn } from '../../src/demo/stand-in.ts';
import { type Gateway, openGateway } from '../../src/gateway.ts';
import { createLogger } from '../../src/logging.ts';
import { type CuttableNetwork, openNetwork } from './cuttable-network.ts';
import { freePort, gatewayEnvironment } from './gateway.ts';

export interface BrowserGateway {
  readonly url: string;
  readonly standIn: StandIn;
  /** What lies between the browser and the gateway. */
  readonly network: CuttableNetwork;
  /** Stops the gateway as a deploy does; what listens on its port afterwards is nothing. */
  stop(): Promise<void>;
  /** Starts it again on the same data and port. */
  start(): Promise<void>;
  close(): Promise<void>;
}

export interface BrowserGatewayOptions {
  readonly standIn?: StandInOptions;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts one. The caller closes it. */
export async function startBrowserGateway(options: BrowserGatewayOptions = {}): Promise<BrowserGateway> {
  const standIn = await startStandIn(options.standIn);
  const dataDir = await mkdtemp(join(tmpdir(), 'pilothouse-page-'));
  const port = await freePort();
  const network = await openNetwork(port);
  const url = `http://localhost:${network.port}`;
  const config = parseConfig({
    ...gatewayEnvironment(standIn, { dataDir, port }),
    PUBLIC_URL: url,
    LOG_LEVEL: 'fatal',
    // A test does in seconds what a person does in an hour.
    RATE_LIMIT_PER_MINUTE: '100000',
    SHUTDOWN_GRACE_SECONDS: '4',
    ...options.env,
  });
  let gateway: Gateway | null = null;
  const start = async () => {
    gateway = await openGateway(config, createLogger({ level: config.logLevel, secrets: [] }));
    await gateway.listen();
  };
  const stop = async () => {
    await gateway?.shutdown();
    gateway = null;
  };
  await start();
  return {
    url,
    standIn,
    network,
    start,
    stop,
    close: async () => {
      await stop();
      await network.close();
      await standIn.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
