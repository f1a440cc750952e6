/**
 * One gateway: opens everything in order, closes it in reverse. `main.ts`, the demo and the tests start it the same way.
 */
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { buildApp } from './app.ts';
import type { Config } from './config.ts';
import { beginWork, openParts } from './gateway-parts.ts';
import { buildOpsApp, localOpsRoutes, makeScheduler, opsRoutes } from './ops-app.ts';
import type { TurnEngine } from './turns/turn-engine.ts';

/** A running gateway. Its opener calls {@link Gateway.shutdown} exactly once. */
export interface Gateway {
  readonly app: FastifyInstance;
  readonly engine: TurnEngine;
  /** See `Store.failed`. */
  readonly failed: AbortSignal;
  /**
   * Starts listening, then working. @returns the address, e.g. `http://127.0.0.1:3000`
   * @throws what listening throws, such as EADDRINUSE; the gateway is shut down then
   */
  listen(): Promise<string>;
  /** Not ready → no new turns → running ones may end → streams closed → everything closed, within the configured grace. */
  shutdown(): Promise<void>;
}

/**
 * @throws ConfigError-like errors of the parts: a missing key, a newer schema, a data directory that cannot be written.
 * Whatever was opened before the failing part is closed again.
 */
export async function openGateway(config: Config, logger: Logger, clock: () => number = Date.now): Promise<Gateway> {
  const opened = new AsyncDisposableStack();
  try {
    const parts = await openParts(config, logger, clock, opened);
    const jobs = opened.adopt(makeScheduler(parts), (it) => it.stop());
    const ops = opsRoutes(parts, jobs);
    const opsApp = config.ops.port === null ? null : opened.adopt(await buildOpsApp(ops, parts), (it) => it.close());
    const localOps = opsApp === null ? localOpsRoutes(ops) : null;
    const app = opened.adopt(
      await buildApp(config, { ...parts, localOps, rateLimitStore: parts.cluster?.rateLimitStore ?? null }),
      (it) => it.close(),
    );
    await parts.engine.recover();
    const resources = opened.move();
    const shutdown = async () => {
      await parts.drain();
      await resources.disposeAsync();
    };
    const start = async () => {
      const at = await opsApp?.listen({ host: config.ops.host, port: config.ops.port ?? 0 });
      if (at !== undefined) logger.info({ address: at }, 'the ops listener is ready');
      const address = await app.listen({ host: config.host, port: config.port });
      // Not before: a process that may not listen would leave what it began interrupted.
      await beginWork(parts);
      jobs.start();
      return address;
    };
    const listen = () =>
      start().catch(async (error: unknown) => {
        await shutdown();
        throw error;
      });
    return { app, engine: parts.engine, failed: parts.store.failed, listen, shutdown };
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}
