/**
 * The part of the configuration that is about Copilot: topology, credentials, model provider, and what a spawned runtime
 * may know of our environment.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { type Environment, isLoopback, parseHostPort, type VariableReader } from './config-values.ts';

/** A model provider of one's own (`COPILOT_AUTH=byok`). */
export interface ProviderConfig {
  readonly type: 'openai' | 'azure' | 'anthropic';
  readonly baseUrl: string;
  readonly apiKey: string | null;
  readonly models: readonly string[];
}

/** Everything about Copilot: how runtimes are arranged, and whose right to the model they use. */
export interface CopilotConfig {
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
}

/** What the model is told first when the operator sets nothing. */
export const DEFAULT_SYSTEM_MESSAGE =
  'You are a friendly, knowledgeable assistant in a chat. Answer clearly and to the point, in the language of the question. ' +
  'Use Markdown where it helps, and say so when you are not sure. You have no access to files, a shell or the network.';

/** Handed to spawned runtimes as they are; nothing else of our environment is. */
export const RUNTIME_VARIABLES = [
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

/** Reads it; problems are noted in `read`. */
export function readCopilot(read: VariableReader, env: Environment): CopilotConfig {
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
    provider: readProvider(read, auth),
    runtimeEnv: pickRuntimeEnvironment(env),
  };
}

function checkCliUrls(
  read: VariableReader,
  given: Pick<CopilotConfig, 'topology' | 'cliUrls' | 'connectionToken'>,
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

function readProvider(read: VariableReader, auth: CopilotConfig['auth']): ProviderConfig | null {
  const type = read.choice('PROVIDER_TYPE', ['openai', 'azure', 'anthropic'], 'openai');
  const baseUrl = read.text('PROVIDER_BASE_URL');
  const apiKey = read.secret('PROVIDER_API_KEY');
  const models = read.list('PROVIDER_MODELS');
  if (auth !== 'byok') {
    if (baseUrl !== null || apiKey !== null || models.length > 0) {
      read.problem(
        `PROVIDER_* variables are set, but COPILOT_AUTH=${auth} does not use them: set COPILOT_AUTH=byok, or drop them.`,
      );
    }
    return null;
  }
  if (baseUrl === null) read.problem('COPILOT_AUTH=byok needs PROVIDER_BASE_URL, e.g. https://api.openai.com/v1.');
  if (models.length === 0)
    read.problem('COPILOT_AUTH=byok needs PROVIDER_MODELS: the model names people may use, separated by commas.');
  return { type, baseUrl: baseUrl === null ? '' : read.url('PROVIDER_BASE_URL', baseUrl), apiKey, models };
}

function readSystemMessage(read: VariableReader): string {
  const direct = read.text('SYSTEM_MESSAGE');
  const file = read.text('SYSTEM_MESSAGE_FILE');
  if (file === null) return direct ?? DEFAULT_SYSTEM_MESSAGE;
  if (direct !== null) read.problem('SYSTEM_MESSAGE and SYSTEM_MESSAGE_FILE are both set: keep one.');
  try {
    return readFileSync(file, 'utf8').trim() || DEFAULT_SYSTEM_MESSAGE;
  } catch (error) {
    read.problem(`SYSTEM_MESSAGE_FILE names ${file}, which cannot be read (${(error as NodeJS.ErrnoException).code}).`);
    return DEFAULT_SYSTEM_MESSAGE;
  }
}

function pickRuntimeEnvironment(env: Environment): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of RUNTIME_VARIABLES) {
    const value = env[name];
    if (value !== undefined && value !== '') picked[name] = value;
  }
  return picked;
}
