/** env → work → drain → exit. */
import { openWorker } from './background-worker.ts';
import { ConfigError, parseConfig } from './config.ts';
import { openLogger, stopOnSignals } from './process-life.ts';

/** Runs a worker in this process until a signal ends it. Problems with the settings go to stderr, and exit with 1. */
export async function work(env: NodeJS.ProcessEnv): Promise<void> {
  try {
    const config = parseConfig(env);
    const logger = await openLogger(config);
    const worker = await openWorker(config, logger);
    const log = (message: string, error?: unknown) => logger.error({ err: error }, message);
    stopOnSignals({ shutdown: () => worker.shutdown(), graceMs: config.shutdownGraceMs, log });
    // The database's pool, the queue and the timers keep no idle process alive by themselves.
    setInterval(() => undefined, 2 ** 30);
    logger.info({ opsAddress: worker.opsAddress, turns: config.turns.background }, 'a Pilothouse worker is ready');
  } catch (error) {
    console.error(error instanceof ConfigError ? error.message : error);
    process.exit(1);
  }
}
