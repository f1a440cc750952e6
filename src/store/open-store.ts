/** Opens the store on either engine. */
import { SqlApiTokenRepository } from './api-token-repository.ts';
import { SqlBranchRepository } from './branch-repository.ts';
import { SqlChatRepository } from './chat-repository.ts';
import { SqlCredentialRepository } from './credential-repository.ts';
import type { Database, StoreLogger } from './database.ts';
import { openPostgres } from './dialects/postgres.ts';
import { openSqlite } from './dialects/sqlite.ts';
import { ownSqliteFile } from './dialects/sqlite-owner.ts';
import { SqlMessageRepository } from './message-repository.ts';
import { MIGRATIONS } from './migrations/migrations.ts';
import { checkSchema, isUpToDate, migrate } from './migrator.ts';
import { SqlAuditRepository, SqlJobRunRepository, SqlPeopleRepository } from './operations-repositories.ts';
import { SqlRateCountRepository } from './rate-count-repository.ts';
import { SearchIndex } from './search-index.ts';
import { SqlSessionFileRepository } from './session-file-repository.ts';
import { SqlSigningKeyRepository } from './signing-key-repository.ts';
import type { Store } from './store.ts';
import { pingStore } from './store-ping.ts';
import { databaseTime } from './store-time.ts';
import { SqlSearchRepository } from './text-search.ts';
import { SqlTurnRepository } from './turn-repository.ts';
import { refuseUnfinishedCopy } from './unfinished-copy.ts';
import { SqlUsageRepository } from './usage-repository.ts';
import { SqlUserRepository } from './user-repository.ts';
import { SqlWebSessionRepository } from './web-session-repository.ts';

/** Which database. Times are ms. */
export type DatabaseLocation =
  /** `path` `:memory:` is a database of its own that ends with the store. */
  | { kind: 'sqlite'; path: string; lockTimeoutMs?: number }
  /** TLS by the URL's `sslmode` and `sslrootcert`. */
  | { kind: 'postgres'; url: string; poolSize?: number; statementTimeoutMs?: number; lockTimeoutMs?: number };

/** How to open it. */
export interface OpenOptions {
  logger?: StoreLogger;
  /** Bring the schema up to date; otherwise it has to be. Default: true. */
  migrate?: boolean;
}

/**
 * Opens the store and brings its schema up to date. Whoever opens it closes it.
 * @throws GatewayError `store_unavailable` when the engine does not answer; Error when the schema is newer than this
 * binary, or older and `migrate` is false.
 */
export async function openStore(location: DatabaseLocation, options: OpenOptions = {}): Promise<Store> {
  const database = openDatabase(location, options.logger ?? SILENT);
  try {
    if (options.migrate === false) await checkSchema(database, MIGRATIONS);
    else await bringUpToDate(location, database);
    await refuseUnfinishedCopy(database);
    return assemble(database);
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** A database in memory is its connection's alone; elsewhere a big step may take longer than a request may. */
async function bringUpToDate(location: DatabaseLocation, database: Database): Promise<void> {
  if (location.kind === 'sqlite' || (await isUpToDate(database, MIGRATIONS))) {
    await migrate(database, MIGRATIONS);
    return;
  }
  const patient = openForMigrations(location);
  try {
    await migrate(patient, MIGRATIONS);
  } finally {
    await patient.close();
  }
}

const HOURS_MS = 12 * 3_600_000;

const SILENT: StoreLogger = { warn: () => {}, error: () => {} };

/**
 * Makes this process the only one that works on the database, where there may be only one: a SQLite file. Until the result
 * is disposed of, or the process ends.
 * @throws Error when another process has it
 */
export function ownDatabase(location: DatabaseLocation): Disposable {
  if (location.kind === 'postgres' || location.path === ':memory:') return { [Symbol.dispose]: () => undefined };
  return ownSqliteFile(location.path);
}

/** The engine alone, without a schema: what migrations are run on. */
export function openDatabase(location: DatabaseLocation, logger: StoreLogger = SILENT): Database {
  return location.kind === 'postgres' ? openPostgres(location, logger) : openSqlite(location);
}

/** As {@link openDatabase}, for work on all rows: a statement may take hours, also by the client's clock. */
export function openForMigrations(location: DatabaseLocation): Database {
  const patience = location.kind === 'postgres' ? { poolSize: 2, statementTimeoutMs: HOURS_MS } : {};
  return openDatabase({ ...location, ...patience });
}

function assemble(database: Database): Store {
  const search = new SearchIndex(database);
  return {
    engine: database.engine,
    users: new SqlUserRepository(database),
    credentials: new SqlCredentialRepository(database),
    webSessions: new SqlWebSessionRepository(database),
    apiTokens: new SqlApiTokenRepository(database),
    signingKeys: new SqlSigningKeyRepository(database),
    chats: new SqlChatRepository(database, search),
    search: new SqlSearchRepository(database),
    branches: new SqlBranchRepository(database, search),
    messages: new SqlMessageRepository(database),
    turns: new SqlTurnRepository(database, search),
    sessionFiles: new SqlSessionFileRepository(database),
    usage: new SqlUsageRepository(database),
    jobRuns: new SqlJobRunRepository(database),
    audit: new SqlAuditRepository(database),
    people: new SqlPeopleRepository(database),
    rateCounts: database.engine === 'postgres' ? new SqlRateCountRepository(database) : null,
    openNotices: (listener) => database.openNotices(listener),
    time: () => databaseTime(database),
    failed: database.failed,
    durable: () => database.durable(),
    ping: (signal) => pingStore(database, signal),
    close: () => database.close(),
  };
}
