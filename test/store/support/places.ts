/** Databases of either engine for tests of copies, and the command itself. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Database } from '../../../src/store/database.ts';
import { MIGRATIONS } from '../../../src/store/migrations/migrations.ts';
import { migrate } from '../../../src/store/migrator.ts';
import { type DatabaseLocation, openDatabase } from '../../../src/store/open-store.ts';
import { type CommandEnd, runCommand } from '../../support/command.ts';
import { startPostgres } from '../../support/postgres.ts';
import { fillInstallation, type InstallationSize } from './installation.ts';

/** A database, which need not be there yet. */
export interface Place {
  readonly url: string;
  readonly location: DatabaseLocation;
}

/** Where tests get databases. Whoever opened it closes it. */
export interface Places {
  sqlite(): Promise<Place>;
  postgres(): Promise<Place>;
  close(): Promise<void>;
}

export const SMALL: InstallationSize = { chats: 6, messages: 4 };

export async function openPlaces(): Promise<Places> {
  const [server, directory] = await Promise.all([startPostgres(), mkdtemp(join(tmpdir(), 'pilothouse-copy-'))]);
  let files = 0;
  return {
    sqlite: async () => {
      files += 1;
      const path = join(directory, `${files}.db`);
      return { url: `sqlite:${path}`, location: { kind: 'sqlite', path } };
    },
    postgres: async () => {
      const url = await server.createDatabase();
      return { url, location: { kind: 'postgres', url } };
    },
    close: async () => {
      await server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Does `work` on the database. */
export async function using<T>({ location }: Place, work: (database: Database) => Promise<T>): Promise<T> {
  const database = openDatabase(location);
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

/** Puts an installation there. */
export async function filled(place: Place, size = SMALL): Promise<Place> {
  await using(place, async (database) => {
    await migrate(database, MIGRATIONS);
    await fillInstallation(database, size);
  });
  return place;
}

/** Runs the command. */
export function copy(from: Place, to: Place): Promise<CommandEnd> {
  return runCommand('copy-store', ['--from', from.url, '--to', to.url], {});
}

/** Runs the command, which has to do its work. */
export async function copied(from: Place, to: Place): Promise<void> {
  const end = await copy(from, to);
  assert.deepEqual([end.code, end.err], [0, '']);
  assert.match(end.out, /Everything is there/);
}
