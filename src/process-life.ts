/** What the processes of the gateway have in common: which secrets they keep out of their logs, how signals end them. */
import type { Logger } from 'pino';
import { loadSecrets } from './auth/secrets.ts';
import type { Config } from './config.ts';
import { createLogger } from './logging.ts';

/** At SIGTERM or SIGINT `shutdown` has `graceMs` milliseconds, then the process leaves what is not closed. */
export function stopOnSignals(
  shutdown: () => Promise<void>,
  graceMs: number,
  log: (message: string, error?: unknown) => void,
): void {
  let stopping = false;
  const stop = () => {
    // A second signal means: now.
    if (stopping) process.exit(1);
    stopping = true;
    setTimeout(() => {
      log('the grace is over: leaving what is not closed');
      process.exit(1);
    }, graceMs).unref();
    shutdown().then(
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

/**
 * The logger of this process: it masks what is configured, and what the gateway made for itself in `DATA_DIR/secrets.json`.
 * @throws Error as `loadSecrets`
 */
export async function openLogger(config: Config): Promise<Logger> {
  const level = config.logLevel;
  const secrets = configuredSecrets(config);
  const { sessionSecrets, credentialKeys } = await loadSecrets(config, createLogger({ level, secrets }));
  return createLogger({ level, secrets: [...secrets, ...sessionSecrets, ...credentialKeys] });
}

/** What must never be seen in a log. */
function configuredSecrets(config: Config): string[] {
  const { copilot, github, sessionSecrets, credentialKeys, database, tracing } = config;
  const password = database.kind === 'postgres' ? URL.parse(database.url)?.password : null;
  return [
    github.clientSecret,
    copilot.serviceToken,
    copilot.connectionToken,
    copilot.provider?.apiKey,
    password,
    ...sessionSecrets,
    ...credentialKeys,
    ...Object.values(tracing.headers),
  ].filter((secret) => typeof secret === 'string');
}
