/**
 * The configuration: read once from the environment, every problem reported together. One table of variables is the only
 * place that knows their names; `parseConfig` is pure but for the files that `NAME_FILE` names.
 */
import { resolve } from 'node:path';
import { type Environment, isLoopback, VariableReader } from './config-values.ts';
import { type CopilotConfig, RUNTIME_VARIABLES, readCopilot } from './copilot-config.ts';
import { readTracing, type TracingConfig } from './tracing-config.ts';

export { type CopilotConfig, DEFAULT_SYSTEM_MESSAGE, type ProviderConfig } from './copilot-config.ts';

/** Where data is kept. */
export type DatabaseConfig =
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'postgres'; readonly url: string };

/** Everything an operator can set. Durations are milliseconds. */
export interface Config {
  readonly host: string;
  readonly port: number;
  readonly publicUrl: URL;
  /** Cookies are Secure and `__Host-`, HSTS is sent. */
  readonly secure: boolean;
  readonly trustProxy: readonly string[];
  readonly shutdownGraceMs: number;
  /** Of the grace: how long an instance that is no longer ready still takes what a balancer sends that has not noticed. */
  readonly shutdownDelayMs: number;
  readonly dataDir: string;
  readonly database: DatabaseConfig;
  /** base64url secrets of ≥ 32 bytes, current first; empty: generated into `DATA_DIR/secrets.json`. */
  readonly sessionSecrets: readonly string[];
  readonly credentialKeys: readonly string[];
  readonly github: {
    readonly clientId: string;
    readonly clientSecret: string;
    readonly url: string;
    readonly apiUrl: string;
    readonly allowedOrgs: readonly string[];
    readonly allowedUsers: readonly string[];
    readonly recheckMs: number;
  };
  readonly copilot: CopilotConfig;
  readonly webSessions: { readonly idleMs: number; readonly maxMs: number };
  readonly leases: { readonly idleMs: number; readonly maxRuntimes: number };
  readonly turns: {
    readonly perUser: number;
    readonly queuePerChat: number;
    /** Chats with background turns that one process runs at once, with PostgreSQL; 0: none. */
    readonly background: number;
    readonly startMs: number;
    readonly firstTokenMs: number;
    readonly silenceMs: number;
    readonly totalMs: number;
    readonly eventsKeptMs: number;
  };
  readonly chatRetentionMs: number;
  readonly rateLimitPerMinute: number;
  /** Event streams of one user at once. */
  readonly streamsPerUser: number;
  /** Of one user, from midnight to midnight UTC; 0: none. Requests are model calls. */
  readonly budget: { readonly tokensPerDay: number; readonly requestsPerDay: number };
  readonly adminUsers: readonly string[];
  readonly ops: { readonly port: number | null; readonly host: string };
  readonly tracing: TracingConfig;
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
}

/** All that is wrong with the environment, one sentence each. */
export class ConfigError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(
      `The configuration has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:\n${problems.map((p) => `  - ${p}`).join('\n')}`,
    );
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Of the grace: what stopping turns and closing everything takes. */
const CLOSING_SECONDS = 5;

/**
 * The configuration that `env` describes.
 * @throws ConfigError naming everything that is wrong, not only the first.
 */
export function parseConfig(env: Environment): Config {
  const read = new VariableReader(env);
  const config = readConfig(read, env);
  if (read.problems.length > 0) throw new ConfigError(read.problems);
  return config;
}

/**
 * Where the database is, for commands that need nothing else of the configuration.
 * @throws ConfigError
 */
export function parseDatabaseConfig(env: Environment): DatabaseConfig {
  const read = new VariableReader(env);
  const database = readDatabase(read, readDataDir(read));
  if (read.problems.length > 0) throw new ConfigError(read.problems);
  return database;
}

/** The database that `url` names; null: it names none. */
export function databaseOf(url: string): DatabaseConfig | null {
  if (/^postgres(ql)?:\/\//.test(url)) return { kind: 'postgres', url };
  const path = /^sqlite:(?:\/\/)?(.+)$/.exec(url)?.[1];
  return path === undefined ? null : { kind: 'sqlite', path: path === ':memory:' ? path : resolve(path) };
}

/** One variable that the configuration knows. A secret may also come as `NAME_FILE`. */
export interface ConfigVariable {
  readonly name: string;
  readonly secret: boolean;
}

/** Every variable, in the order in which it is read: what templates and documentation have to name. */
export function configVariables(): ConfigVariable[] {
  const read = new VariableReader({});
  readConfig(read, {});
  const ours = [...read.asked].map(([name, kind]) => ({ name, secret: kind === 'secret' }));
  return [...ours, ...RUNTIME_VARIABLES.map((name) => ({ name, secret: false }))];
}

/** Asks for every variable whatever the others say, so that {@link configVariables} is complete. */
function readConfig(read: VariableReader, env: Environment): Config {
  const dataDir = readDataDir(read);
  const database = readDatabase(read, dataDir);
  const publicUrl = readPublicUrl(read);
  return {
    host: read.text('HOST') ?? '127.0.0.1',
    port: read.whole('PORT', 3000, { min: 0, max: 65_535 }),
    publicUrl,
    secure: publicUrl.protocol === 'https:',
    trustProxy: read.networks('TRUST_PROXY'),
    ...readShutdown(read),
    dataDir,
    database,
    sessionSecrets: readKeys(read, 'SESSION_SECRETS', database),
    credentialKeys: readKeys(read, 'CREDENTIAL_KEYS', database),
    github: readGitHub(read),
    copilot: readCopilot(read, env),
    webSessions: {
      idleMs: read.whole('SESSION_IDLE_HOURS', 24, { min: 1, max: 8_760 }) * HOUR,
      maxMs: read.whole('SESSION_MAX_DAYS', 14, { min: 1, max: 365 }) * DAY,
    },
    leases: {
      idleMs: read.whole('LEASE_IDLE_SECONDS', 600, { min: 0, max: 86_400 }) * SECOND,
      maxRuntimes: read.whole('MAX_RUNTIMES', 50, { min: 1, max: 10_000 }),
    },
    turns: readTurns(read),
    chatRetentionMs: read.whole('CHAT_RETENTION_DAYS', 0, { min: 0, max: 36_500 }) * DAY,
    rateLimitPerMinute: read.whole('RATE_LIMIT_PER_MINUTE', 300, { min: 1, max: 1_000_000 }),
    streamsPerUser: read.whole('STREAMS_PER_USER', 50, { min: 1, max: 10_000 }),
    budget: {
      tokensPerDay: read.whole('BUDGET_TOKENS_PER_DAY', 0, { min: 0, max: 1_000_000_000_000 }),
      requestsPerDay: read.whole('BUDGET_REQUESTS_PER_DAY', 0, { min: 0, max: 1_000_000 }),
    },
    adminUsers: read.list('ADMIN_USERS'),
    ops: readOps(read),
    tracing: readTracing(read),
    logLevel: read.choice('LOG_LEVEL', ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], 'info'),
  };
}

/** A delay that takes all of the grace would end every turn as a kill does. */
function readShutdown(read: VariableReader): Pick<Config, 'shutdownGraceMs' | 'shutdownDelayMs'> {
  const grace = read.whole('SHUTDOWN_GRACE_SECONDS', 20, { min: 1, max: 3_600 });
  const delay = read.whole('SHUTDOWN_DELAY_SECONDS', 0, { min: 0, max: 300 });
  if (delay > 0 && delay + CLOSING_SECONDS > grace)
    read.problem(
      `SHUTDOWN_DELAY_SECONDS is part of SHUTDOWN_GRACE_SECONDS and leaves less than ${CLOSING_SECONDS} s of its ${grace} to end turns in.`,
    );
  return { shutdownGraceMs: grace * SECOND, shutdownDelayMs: delay * SECOND };
}

function readDataDir(read: VariableReader): string {
  return resolve(read.text('DATA_DIR') ?? './data');
}

function readDatabase(read: VariableReader, dataDir: string): DatabaseConfig {
  const url = read.secret('DATABASE_URL');
  if (url === null) return { kind: 'sqlite', path: resolve(dataDir, 'gateway.db') };
  const database = databaseOf(url);
  if (database !== null) return database;
  // The value may hold a password: it is not repeated.
  read.problem('DATABASE_URL is neither sqlite:<path> nor postgres://user:password@host/database.');
  return { kind: 'sqlite', path: ':memory:' };
}

function readPublicUrl(read: VariableReader): URL {
  const port = read.text('PORT') ?? '3000';
  // A wrong PORT is told where it is read; here it must not be made into a URL that is none.
  const fallback = `http://localhost:${/^\d{1,5}$/.test(port) && Number(port) <= 65_535 ? port : 3000}`;
  const url = new URL(read.url('PUBLIC_URL', fallback));
  if (url.pathname !== '/') read.problem('PUBLIC_URL has a path: the gateway lives at the root of its host.');
  const allowed = read.choice('DANGEROUSLY_ALLOW_HTTP_PUBLIC_URL', ['true', 'false'], 'false') === 'true';
  if (url.protocol === 'http:' && !isLoopback(url.hostname) && !allowed) {
    read.problem(
      `PUBLIC_URL is ${url.origin}: over plain http anyone on the way can take sessions. Use https://, or set DANGEROUSLY_ALLOW_HTTP_PUBLIC_URL=true if you accept that.`,
    );
  }
  return url;
}

function readKeys(
  read: VariableReader,
  name: 'SESSION_SECRETS' | 'CREDENTIAL_KEYS',
  database: DatabaseConfig,
): string[] {
  const keys = read.keys(name);
  if (keys.length === 0 && database.kind === 'postgres') {
    read.problem(
      `${name} is required with PostgreSQL, the same on every instance: 32 random bytes or more in base64url. Make one with: openssl rand -base64 48 | tr '+/' '-_' | tr -d '='`,
    );
  }
  return keys;
}

function readGitHub(read: VariableReader): Config['github'] {
  const url = read.url('GITHUB_URL', 'https://github.com');
  const clientId = read.text('GITHUB_CLIENT_ID');
  const clientSecret = read.secret('GITHUB_CLIENT_SECRET');
  if (clientId === null) {
    read.problem(
      `GITHUB_CLIENT_ID is required: register an OAuth App at ${url}/settings/developers with the callback PUBLIC_URL/auth/github/callback. To only look around, run: npm run demo`,
    );
  }
  if (clientSecret === null) {
    read.problem("GITHUB_CLIENT_SECRET (or GITHUB_CLIENT_SECRET_FILE) is required: the OAuth App's page generates it.");
  }
  return {
    clientId: clientId ?? '',
    clientSecret: clientSecret ?? '',
    url,
    apiUrl: read.url('GITHUB_API_URL', url === 'https://github.com' ? 'https://api.github.com' : `${url}/api/v3`),
    allowedOrgs: read.list('GITHUB_ALLOWED_ORGS'),
    allowedUsers: read.list('GITHUB_ALLOWED_USERS'),
    recheckMs: read.whole('GITHUB_RECHECK_MINUTES', 60, { min: 1, max: 10_080 }) * MINUTE,
  };
}

function readTurns(read: VariableReader): Config['turns'] {
  const seconds = (name: string, fallback: number) => read.whole(name, fallback, { min: 1, max: 86_400 }) * SECOND;
  return {
    perUser: read.whole('TURNS_PER_USER', 10, { min: 1, max: 10_000 }),
    queuePerChat: read.whole('TURN_QUEUE_PER_CHAT', 10, { min: 1, max: 1_000 }),
    background: read.whole('BACKGROUND_TURNS', 8, { min: 0, max: 1_000 }),
    startMs: seconds('TURN_START_SECONDS', 30),
    firstTokenMs: seconds('TURN_FIRST_TOKEN_SECONDS', 120),
    silenceMs: seconds('TURN_SILENCE_SECONDS', 120),
    totalMs: seconds('TURN_MAX_SECONDS', 1_800),
    eventsKeptMs: read.whole('TURN_EVENTS_HOURS', 24, { min: 1, max: 720 }) * HOUR,
  };
}

function readOps(read: VariableReader): Config['ops'] {
  const port = read.text('OPS_PORT') === null ? null : read.whole('OPS_PORT', 9464, { min: 0, max: 65_535 });
  const host = read.text('OPS_HOST');
  if (host !== null && port === null)
    read.problem('OPS_HOST is set without OPS_PORT: without a port of its own there is no ops listener. Set both.');
  return { port, host: host ?? '127.0.0.1' };
}
