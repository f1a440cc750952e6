/**
 * The gateway's own secrets. Where the operator gives none (embedded database only), they are made once and kept in
 * `DATA_DIR/secrets.json`, readable by its owner alone.
 */
import { randomBytes } from 'node:crypto';
import { chmod, link, mkdir, open, readFile, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import type { Config } from '../config.ts';
import type { AuthLogger } from './auth-logger.ts';

const Secret = Type.String({ pattern: '^[A-Za-z0-9_-]{43,}={0,2}$' });
const SecretsShape = Type.Object({
  sessionSecrets: Type.Array(Secret, { minItems: 1 }),
  credentialKeys: Type.Array(Secret, { minItems: 1 }),
});

/** base64url, at least 32 bytes each, current first. */
export type Secrets = Readonly<Static<typeof SecretsShape>>;

/** What of the configuration decides where secrets come from. */
export type SecretsConfig = Pick<Config, 'dataDir' | 'database' | 'sessionSecrets' | 'credentialKeys'>;

/**
 * The configured secrets, or those of `DATA_DIR/secrets.json`, which is made if there is none. Any number of processes
 * may do so at once: all of them get the same secrets.
 * @throws Error when secrets are missing with PostgreSQL, or the file is damaged or cannot be made private
 */
export async function loadSecrets(config: SecretsConfig, logger: AuthLogger): Promise<Secrets> {
  const { sessionSecrets, credentialKeys } = config;
  if (sessionSecrets.length > 0 && credentialKeys.length > 0) {
    return { sessionSecrets: [...sessionSecrets], credentialKeys: [...credentialKeys] };
  }
  if (config.database.kind === 'postgres') {
    throw new Error('SESSION_SECRETS and CREDENTIAL_KEYS are required with PostgreSQL: every instance needs the same.');
  }
  const path = join(config.dataDir, 'secrets.json');
  const stored = (await readSecrets(path, logger)) ?? (await makeSecrets(path, config.dataDir, logger));
  return {
    sessionSecrets: sessionSecrets.length > 0 ? [...sessionSecrets] : stored.sessionSecrets,
    credentialKeys: credentialKeys.length > 0 ? [...credentialKeys] : stored.credentialKeys,
  };
}

async function readSecrets(path: string, logger: AuthLogger): Promise<Secrets | null> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw new Error(`${path} cannot be read (${error.code}).`);
  });
  if (text === null) return null;
  await ensurePrivate(path, logger);
  const value = parseJson(text);
  if (Value.Check(SecretsShape, value)) return value;
  throw new Error(
    `${path} is damaged. Restore it from a backup: without its credentialKeys nobody's stored GitHub sign-in can be read.`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // The caller's check says what to do about it.
  }
}

/** Whoever can read the file can forge any session: others' access is taken away, and the operator told. */
async function ensurePrivate(path: string, logger: AuthLogger): Promise<void> {
  const mode = (await stat(path)).mode & 0o777;
  if ((mode & 0o077) === 0) return;
  try {
    await chmod(path, 0o600);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new Error(
      `${path} can be read by other users of this machine (mode ${mode.toString(8)}) and its mode cannot be changed (${code}). Make it readable by the gateway alone: chmod 600.`,
    );
  }
  logger.warn(
    { path, mode: mode.toString(8) },
    'secrets.json could be read by other users of this machine: its mode is 0600 now. If someone may have read it, replace its secrets.',
  );
}

async function makeSecrets(path: string, directory: string, logger: AuthLogger): Promise<Secrets> {
  const fresh: Secrets = { sessionSecrets: [newSecret()], credentialKeys: [newSecret()] };
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}.${randomBytes(6).toString('hex')}`;
  const file = await open(temporary, 'wx', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(fresh, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    // A link either makes the whole file appear or fails because another process was first. A rename would overwrite.
    await link(temporary, path);
    logger.info({ path }, 'Made new secrets. Back this file up together with the database.');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await unlink(temporary);
  }
  const stored = await readSecrets(path, logger);
  if (stored === null) throw new Error(`${path} vanished while it was made.`);
  return stored;
}

function newSecret(): string {
  return randomBytes(32).toString('base64url');
}
