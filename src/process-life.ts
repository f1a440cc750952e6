/** What the processes of the gateway have in common: which secrets they keep out of their logs, how signals end them. */
import type { Logger } from 'pino';
import { loadSecrets } from './auth/secrets.ts';
import type { Config } from './config.ts';
import { createLogger } from './logging.ts';

/** How a process ends. */
export interface Ending {
  readonly shutdown: () => Promise<void>;
  /** What that may take, in milliseconds; then the process leaves what is not closed. */
  readonly graceMs: number;
  /** Ends the process by itself, with 1: whoever watches over it starts another. */
  readonly failed?: AbortSignal;
  readonly log: (message: string, error?: unknown) => void;
}

/** Ends the process in order at SIGTERM, at SIGINT and when it has failed. */
export function stopOnSignals({ shutdown, graceMs, failed, log }: Ending): void {
  let stopping = false;
  const stop = (code: number) => {
    // A second signal means: now.
    if (stopping) process.exit(1);
    stopping = true;
    setTimeout(() => {
      log('the grace is over: leaving what is not closed');
      process.exit(1);
    }, graceMs).unref();
    shutdown().then(
      () => process.exit(code),
      (error: unknown) => {
        log('closing failed', error);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', () => stop(0));
  process.on('SIGINT', () => stop(0));
  const onFailure = () => {
    log('the disk failed, and nobody knows what it has: this process ends', failed?.reason);
    if (!stopping) stop(1);
  };
  failed?.addEventListener('abort', onFailure, { once: true });
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
