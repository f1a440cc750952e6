/**
 * `npm run backup -- <file>`: a whole copy of the SQLite database of a running gateway, and of `secrets.json` beside it,
 * without which the GitHub sign-ins in the copy cannot be read. Readers and writers go on meanwhile. PostgreSQL has
 * `pg_dump`: docs/operations.md.
 */
import { chmod, copyFile, rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { ConfigError, parseConfig } from '../src/config.ts';

/** Pages copied between two breaths; the copy starts over when a writer of another process comes between, so not too few. */
const PAGES = 5_000;

/** What was written. */
export interface Backup {
  readonly file: string;
  readonly bytes: number;
  readonly messages: number;
  /** Null: secrets come from the environment. */
  readonly secrets: string | null;
}

/** @throws Error when there is no such database, the file exists, or the copy is not whole */
export async function backUp(databasePath: string, dataDir: string, target: string): Promise<Backup> {
  const file = resolve(target);
  if (await exists(file)) throw new Error(`${file} exists: a backup overwrites nothing.`);
  if (!(await exists(databasePath))) throw new Error(`There is no database at ${databasePath}.`);
  const partial = `${file}.partial`;
  await rm(partial, { force: true });
  const source = new DatabaseSync(databasePath, { readOnly: true, timeout: 10_000 });
  try {
    await backup(source, partial, { rate: PAGES });
  } finally {
    source.close();
  }
  const messages = verify(partial);
  await chmod(partial, 0o600);
  await rename(partial, file);
  const secrets = await copySecrets(dataDir, `${file}.secrets.json`);
  return { file, bytes: (await stat(file)).size, messages, secrets };
}

/** A backup that was never read is a hope: its pages and its references are checked. @returns how many messages it has */
function verify(path: string): number {
  const copy = new DatabaseSync(path);
  try {
    const [result] = Object.values(copy.prepare('pragma integrity_check').get() ?? {});
    if (result !== 'ok') throw new Error(`The copy is damaged: ${String(result)}`);
    const broken = copy.prepare('pragma foreign_key_check').all().length;
    if (broken > 0) throw new Error(`The copy has ${broken} broken references.`);
    // One file is easier to keep than three: the write-ahead log goes into it.
    copy.exec('pragma journal_mode = delete');
    return Number(copy.prepare('select count(*) as n from messages').get()?.n ?? 0);
  } finally {
    copy.close();
  }
}

async function copySecrets(dataDir: string, target: string): Promise<string | null> {
  const source = join(dataDir, 'secrets.json');
  if (!(await exists(source))) return null;
  await copyFile(source, target);
  await chmod(target, 0o600);
  return target;
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}

if (import.meta.main) {
  try {
    const [target] = process.argv.slice(2);
    if (target === undefined) throw new Error('npm run backup -- <file>');
    const { database, dataDir } = parseConfig(process.env);
    if (database.kind !== 'sqlite') throw new Error('The database is PostgreSQL: use pg_dump (docs/operations.md).');
    const done = await backUp(database.path, dataDir, target);
    console.log(`${done.file}: ${done.bytes} bytes, ${done.messages} messages, checked.`);
    console.log(
      done.secrets === null ? 'Secrets come from the environment: keep them too.' : `${done.secrets}: keep it apart.`,
    );
  } catch (error) {
    console.error(error instanceof ConfigError || error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
