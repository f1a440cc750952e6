/** env → listen → drain → exit. The only file that sees signals and the environment. */
import { ConfigError, parseConfig } from './config.ts';
import { type Gateway, openGateway } from './gateway.ts';
import { createLogger } from './logging.ts';

async function main(): Promise<void> {
  const config = parseConfig(process.env);
  const logger = createLogger({ level: config.logLevel, secrets: configuredSecrets(config) });
  const gateway = await openGateway(config, logger);
  stopOnSignals(gateway, config.shutdownGraceMs, (message, error) => logger.error({ err: error }, message));
  const address = await gateway.listen();
  logger.info(
    { address, publicUrl: config.publicUrl.origin, topology: config.copilot.topology },
    'Pilothouse is ready',
  );
}

function stopOnSignals(gateway: Gateway, graceMs: number, log: (message: string, error?: unknown) => void): void {
  let stopping = false;
  const stop = () => {
    // A second signal means: now.
    if (stopping) process.exit(1);
    stopping = true;
    setTimeout(() => {
      log('the grace is over: leaving what is not closed');
      process.exit(1);
    }, graceMs).unref();
    gateway.shutdown().then(
      () => process.exit(0),
      (error: unknown) => {
        log('closing failed', error);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

function configuredSecrets(config: ReturnType<typeof parseConfig>): string[] {
  const { copilot, github, sessionSecrets, credentialKeys, database } = config;
  const password = database.kind === 'postgres' ? URL.parse(database.url)?.password : null;
  return [
    github.clientSecret,
    copilot.serviceToken,
    copilot.connectionToken,
    copilot.provider?.apiKey,
    password,
    ...sessionSecrets,
    ...credentialKeys,
  ].filter((secret) => typeof secret === 'string');
}

try {
  await main();
} catch (error) {
  console.error(error instanceof ConfigError ? error.message : error);
  process.exit(1);
}
