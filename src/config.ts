/**
 * The configuration: read once from the environment, every problem reported together. One table of variables is the only
 * place that knows their names; `parseConfig` is pure but for the files that `NAME_FILE` names.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { type Environment, isLoopback, parseHostPort, VariableReader } from './config-values.ts';

/** Where data is kept. */
export type DatabaseConfig =
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'postgres'; readonly url: string };

/** A model provider of one's own (`COPILOT_AUTH=byok`). */
export interface ProviderConfig {
  readonly type: 'openai' | 'azure' | 'anthropic';
  readonly baseUrl: string;
  readonly apiKey: string | null;
  readonly models: readonly string[];
}

/** Everything an operator can set. Durations are milliseconds. */
export interface Config {
  readonly host: string;
  readonly port: number;
  readonly publicUrl: URL;
  /** Cookies are Secure and `__Host-`, HSTS is sent. */
  readonly secure: boolean;
  readonly trustProxy: readonly string[];
  readonly shutdownGraceMs: number;
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
  readonly copilot: {
    readonly topology: 'isolated' | 'shared' | 'external';
    readonly auth: 'user' | 'service' | 'byok';
    readonly serviceToken: string | null;
    readonly sharedRuntimes: number;
    readonly systemMessage: string;
    readonly cliUrls: readonly string[];
    readonly connectionToken: string | null;
    readonly defaultModel: string | null;
    readonly provider: ProviderConfig | null;
    /** The only variables of ours that a spawned runtime sees. */
    readonly runtimeEnv: Readonly<Record<string, string>>;
  };
  readonly webSessions: { readonly idleMs: number; readonly maxMs: number };
  readonly leases: { readonly idleMs: number; readonly maxRuntimes: number };
  readonly turns: {
    readonly perUser: number;
    readonly queuePerChat: number;
    readonly startMs: number;
    readonly firstTokenMs: number;
    readonly silenceMs: number;
    readonly totalMs: number;
    readonly eventsKeptMs: number;
  };
  readonly chatRetentionMs: number;
  readonly rateLimitPerMinute: number;
  readonly adminUsers: readonly string[];
  readonly ops: { readonly port: number | null; readonly host: string };
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

/** What the model is told first when the operator sets nothing. */
export const DEFAULT_SYSTEM_MESSAGE =
  'You are a friendly, knowledgeable assistant in a chat. Answer clearly and to the point, in the language of the question. ' +
  'Use Markdown where it helps, and say so when you are not sure. You have no access to files, a shell or the network.';

/** Handed to spawned runtimes as they are; nothing else of our environment is. */
const RUNTIME_VARIABLES = [
  'COPILOT_API_URL',
  'COPILOT_DEBUG_GITHUB_API_URL',
  'GITHUB_COPILOT_INTEGRATION_ID',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
] as const;

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * The configuration that `env` describes.
 * @throws ConfigError naming everything that is wrong, not only the first.
 */
export function parseConfig(env: Environment): Config {
  const read = new VariableReader(env);
  const dataDir = resolve(read.text('DATA_DIR') ?? './data');
  const database = readDatabase(read, dataDir);
  const publicUrl = readPublicUrl(read);
  const config: Config = {
    host: read.text('HOST') ?? '127.0.0.1',
    port: read.whole('PORT', 3000, { min: 0, max: 65_535 }),
    publicUrl,
    secure: publicUrl.protocol === 'https:',
    trustProxy: read.networks('TRUST_PROXY'),
    shutdownGraceMs: read.whole('SHUTDOWN_GRACE_SECONDS', 20, { min: 1, max: 3_600 }) * SECOND,
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
    adminUsers: read.list('ADMIN_USERS'),
    ops: {
      port: read.text('OPS_PORT') === null ? null : read.whole('OPS_PORT', 9464, { min: 0, max: 65_535 }),
      host: read.text('OPS_HOST') ?? '127.0.0.1',
    },
    logLevel: read.choice('LOG_LEVEL', ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], 'info'),
  };
  if (read.problems.length > 0) throw new ConfigError(read.problems);
  return config;
}

function readDatabase(read: VariableReader, dataDir: string): DatabaseConfig {
  const url = read.secret('DATABASE_URL');
  if (url === null) return { kind: 'sqlite', path: resolve(dataDir, 'gateway.db') };
  if (/^postgres(ql)?:\/\//.test(url)) return { kind: 'postgres', url };
  const path = /^sqlite:(?:\/\/)?(.+)$/.exec(url)?.[1];
  if (path !== undefined) return { kind: 'sqlite', path: path === ':memory:' ? path : resolve(path) };
  // The value may hold a password: it is not repeated.
  read.problem('DATABASE_URL is neither sqlite:<path> nor postgres://user:password@host/database.');
  return { kind: 'sqlite', path: ':memory:' };
}

function readPublicUrl(read: VariableReader): URL {
  const port = read.text('PORT') ?? '3000';
  const fallback = `http://localhost:${/^\d{1,5}$/.test(port) ? port : 3000}`;
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

function readCopilot(read: VariableReader, env: Environment): Config['copilot'] {
  const auth = read.choice('COPILOT_AUTH', ['user', 'service', 'byok'], 'user');
  const cliUrls = read.list('CLI_URL');
  const topology = read.choice(
    'COPILOT_TOPOLOGY',
    ['isolated', 'shared', 'external'],
    cliUrls.length > 0 ? 'external' : 'isolated',
  );
  const serviceToken = read.secret('COPILOT_GITHUB_TOKEN');
  if (auth === 'service' && serviceToken === null && topology !== 'external') {
    read.problem('COPILOT_AUTH=service needs COPILOT_GITHUB_TOKEN: the token that pays for everyone.');
  }
  const connectionToken = read.secret('COPILOT_CONNECTION_TOKEN');
  checkCliUrls(read, { topology, cliUrls, connectionToken });
  return {
    topology,
    auth,
    serviceToken,
    sharedRuntimes: read.whole('SHARED_RUNTIMES', Math.max(1, Math.floor(availableParallelism() / 2)), {
      min: 1,
      max: 256,
    }),
    systemMessage: readSystemMessage(read),
    cliUrls,
    connectionToken,
    defaultModel: read.text('COPILOT_MODEL'),
    provider: auth === 'byok' ? readProvider(read) : null,
    runtimeEnv: pickRuntimeEnvironment(env),
  };
}

function checkCliUrls(
  read: VariableReader,
  given: Pick<Config['copilot'], 'topology' | 'cliUrls' | 'connectionToken'>,
): void {
  if (given.topology === 'external' && given.cliUrls.length === 0) {
    read.problem(
      'COPILOT_TOPOLOGY=external needs CLI_URL: host:port of each headless Copilot CLI, separated by commas.',
    );
  }
  if (given.topology !== 'external' && given.cliUrls.length > 0) {
    read.problem(
      `CLI_URL is set, but COPILOT_TOPOLOGY=${given.topology} starts its own runtimes: drop one of the two.`,
    );
  }
  for (const url of given.cliUrls) {
    const parsed = parseHostPort(url);
    if (parsed === null) read.problem(`CLI_URL: "${url}" is not host:port.`);
    else if (!isLoopback(parsed.host) && given.connectionToken === null) {
      read.problem(
        `CLI_URL names ${parsed.host}, another machine: set COPILOT_CONNECTION_TOKEN here and on that CLI. Whoever reaches a CLI without it can read every chat and run commands there.`,
      );
    }
  }
}

function readProvider(read: VariableReader): ProviderConfig {
  const baseUrl = read.text('PROVIDER_BASE_URL');
  const models = read.list('PROVIDER_MODELS');
  if (baseUrl === null) read.problem('COPILOT_AUTH=byok needs PROVIDER_BASE_URL, e.g. https://api.openai.com/v1.');
  if (models.length === 0)
    read.problem('COPILOT_AUTH=byok needs PROVIDER_MODELS: the model names people may use, separated by commas.');
  return {
    type: read.choice('PROVIDER_TYPE', ['openai', 'azure', 'anthropic'], 'openai'),
    baseUrl: baseUrl === null ? '' : read.url('PROVIDER_BASE_URL', baseUrl),
    apiKey: read.secret('PROVIDER_API_KEY'),
    models,
  };
}

function readSystemMessage(read: VariableReader): string {
  const file = read.text('SYSTEM_MESSAGE_FILE');
  if (file === null) return read.text('SYSTEM_MESSAGE') ?? DEFAULT_SYSTEM_MESSAGE;
  if (read.text('SYSTEM_MESSAGE') !== null)
    read.problem('SYSTEM_MESSAGE and SYSTEM_MESSAGE_FILE are both set: keep one.');
  try {
    return readFileSync(file, 'utf8').trim() || DEFAULT_SYSTEM_MESSAGE;
  } catch (error) {
    read.problem(`SYSTEM_MESSAGE_FILE names ${file}, which cannot be read (${(error as NodeJS.ErrnoException).code}).`);
    return DEFAULT_SYSTEM_MESSAGE;
  }
}

function readTurns(read: VariableReader): Config['turns'] {
  const seconds = (name: string, fallback: number) => read.whole(name, fallback, { min: 1, max: 86_400 }) * SECOND;
  return {
    perUser: read.whole('TURNS_PER_USER', 10, { min: 1, max: 10_000 }),
    queuePerChat: read.whole('TURN_QUEUE_PER_CHAT', 10, { min: 1, max: 1_000 }),
    startMs: seconds('TURN_START_SECONDS', 30),
    firstTokenMs: seconds('TURN_FIRST_TOKEN_SECONDS', 120),
    silenceMs: seconds('TURN_SILENCE_SECONDS', 120),
    totalMs: seconds('TURN_MAX_SECONDS', 1_800),
    eventsKeptMs: read.whole('TURN_EVENTS_HOURS', 24, { min: 1, max: 720 }) * HOUR,
  };
}

function pickRuntimeEnvironment(env: Environment): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of RUNTIME_VARIABLES) {
    const value = env[name];
    if (value !== undefined && value !== '') picked[name] = value;
  }
  return picked;
}
