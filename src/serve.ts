/** env → listen → drain → exit. */
import { ConfigError, parseConfig } from './config.ts';
import { openGateway } from './gateway.ts';
import { openLogger, stopOnSignals } from './process-life.ts';

async function listen(env: NodeJS.ProcessEnv): Promise<void> {
  const config = parseConfig(env);
  const logger = await openLogger(config);
  const gateway = await openGateway(config, logger);
  const log = (message: string, error?: unknown) => logger.error({ err: error }, message);
  const { failed } = gateway;
  stopOnSignals({ shutdown: () => gateway.shutdown(), graceMs: config.shutdownGraceMs, failed, log });
  const address = await gateway.listen();
  logger.info(
    { address, publicUrl: config.publicUrl.origin, topology: config.copilot.topology },
    'Pilothouse is ready',
  );
}

/** What to do about an address that another process has; null: it is another error. */
function taken(error: unknown): string | null {
  const { code, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  if (code !== 'EADDRINUSE') return null;
  return `Another process listens on ${address}:${port} already. Stop it, or choose another PORT or OPS_PORT.`;
}

/** Runs a gateway in this process until a signal ends it. Problems with the settings go to stderr, and exit with 1. */
export async function serve(env: NodeJS.ProcessEnv): Promise<void> {
  try {
    await listen(env);
  } catch (error) {
    console.error(error instanceof ConfigError ? error.message : (taken(error) ?? error));
    process.exit(1);
  }
}
