/**
 * A process that only works: it runs background turns and scheduled jobs and ends what dead instances left, without people's
 * HTTP. Where `OPS_PORT` is set, it answers there for its health and metrics.
 */
import type { Logger } from 'pino';
import { type Config, ConfigError } from './config.ts';
import { beginWork, openParts } from './gateway-parts.ts';
import { buildOpsApp, makeScheduler, opsRoutes } from './ops-app.ts';

/** A running worker. Its opener calls {@link BackgroundWorker.shutdown} exactly once. */
export interface BackgroundWorker {
  /** Where it answers operators; null: nowhere. */
  readonly opsAddress: string | null;
  /** Takes nothing new → what runs may end → everything closed, within the configured grace. */
  shutdown(): Promise<void>;
}

/** @throws ConfigError without PostgreSQL; otherwise as `openGateway` */
export async function openWorker(config: Config, logger: Logger): Promise<BackgroundWorker> {
  if (config.database.kind === 'sqlite')
    throw new ConfigError([
      'A worker needs DATABASE_URL to be a PostgreSQL: with SQLite the gateway itself runs everything.',
    ]);
  if (config.turns.background === 0)
    throw new ConfigError(['BACKGROUND_TURNS is 0: a worker would have nothing to do.']);
  const opened = new AsyncDisposableStack();
  try {
    const parts = await openParts(config, logger, Date.now, opened);
    const jobs = opened.adopt(makeScheduler(parts), (it) => it.stop());
    const ops = opsRoutes(parts, jobs);
    const { port, host } = config.ops;
    const app = port === null ? null : opened.adopt(await buildOpsApp(ops, parts), (it) => it.close());
    await parts.engine.recover();
    const opsAddress = app === null ? null : await app.listen({ host, port: port ?? 0 });
    await beginWork(parts);
    jobs.start();
    const resources = opened.move();
    const shutdown = async () => {
      await parts.drain();
      await resources.disposeAsync();
    };
    return { opsAddress, shutdown };
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}
