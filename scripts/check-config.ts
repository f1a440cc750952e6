/**
 * `npm run check-config`: reads the environment as the gateway would and tries what it names: the data directory, the
 * database, GitHub, the runtimes. Says what is wrong and what to do; changes nothing that is kept. Exits 1 on any failure.
 */
import { access, constants, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Config, ConfigError, configVariables, parseConfig } from '../src/config.ts';
import { isLoopback } from '../src/config-values.ts';
import { GatewayError } from '../src/errors.ts';
import { openRuntimeDirectories } from '../src/runtimes/runtime-directory.ts';
import { TIMINGS } from '../src/runtimes/runtime-parts.ts';
import { checkServer } from '../src/runtimes/server-check.ts';
import { spawnRuntime } from '../src/runtimes/spawned-runtime.ts';
import type { SessionFileRepository } from '../src/session-files.ts';
import { openStore } from '../src/store/open-store.ts';

/** What a check found. `note`: it works, but the operator should know. */
export interface Finding {
  readonly check: string;
  readonly result: 'ok' | 'note' | 'failed';
  readonly detail: string;
}

type Outcome = Omit<Finding, 'check'>;
type Check = (config: Config) => Promise<readonly Outcome[]>;

/** For everything that waits on something outside; milliseconds. */
const DEADLINE_MS = 10_000;

const ok = (detail: string): Outcome => ({ result: 'ok', detail });
const note = (detail: string): Outcome => ({ result: 'note', detail });
const failed = (detail: string): Outcome => ({ result: 'failed', detail });

/** What is tried, in this order. */
const CHECKS: Record<string, Check> = {
  settings: checkSettings,
  'data directory': checkDataDirectory,
  database: checkDatabase,
  GitHub: checkGitHub,
  runtimes: checkRuntimes,
  traces: checkTraces,
};

/** Everything that can be said about `env`. Never throws for what is wrong with it. */
export async function checkConfig(env: NodeJS.ProcessEnv): Promise<Finding[]> {
  let config: Config;
  try {
    config = parseConfig(env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((detail) => ({ check: 'variables', result: 'failed', detail }));
  }
  const findings: Finding[] = [{ check: 'variables', ...ok('all are readable and go together') }, ...slips(env)];
  for (const [check, run] of Object.entries(CHECKS)) {
    const outcomes = await run(config).catch((error: unknown) => [failed(sentence(error))]);
    findings.push(...outcomes.map((outcome) => ({ check, ...outcome })));
  }
  return findings;
}

/** Variables that look like ours and are not: a slip of the pen would otherwise be silently ignored. */
function slips(env: NodeJS.ProcessEnv): Finding[] {
  const known = configVariables();
  const names = new Set(known.flatMap(({ name, secret }) => (secret ? [name, `${name}_FILE`] : [name])));
  const ours = /^(COPILOT|PROVIDER|TURN|TURNS|SESSION|CREDENTIAL|LEASE|OPS|CLI|GITHUB_(CLIENT|ALLOWED))_/;
  return Object.keys(env)
    .filter((name) => ours.test(name) && !names.has(name))
    .map((name) => ({ check: 'variables', ...note(`${name} is set, but there is no such variable: a slip?`) }));
}

async function checkSettings(config: Config): Promise<Outcome[]> {
  const found: Outcome[] = [];
  const open = config.github.allowedOrgs.length === 0 && config.github.allowedUsers.length === 0;
  if (open && !isLoopback(config.publicUrl.hostname)) {
    const cost = config.copilot.auth === 'user' ? '' : ' and be served at your expense';
    found.push(
      note(`anyone with an account at ${config.github.url} may sign in${cost}: set GITHUB_ALLOWED_ORGS or _USERS`),
    );
  }
  if (config.secure && isLoopback(config.host) && config.trustProxy.length === 0) {
    found.push(note('PUBLIC_URL is https and TRUST_PROXY empty: every request will count as the proxy’s own address'));
  }
  if (config.copilot.topology === 'shared') {
    found.push(note('COPILOT_TOPOLOGY=shared keeps people apart by the gateway only, not by the system'));
  }
  return found.length > 0 ? found : [ok('nothing to remark')];
}

async function checkDataDirectory(config: Config): Promise<Outcome[]> {
  const existing = await nearestExisting(config.dataDir);
  await access(existing, constants.W_OK | constants.X_OK).catch(() => {
    throw new Error(`${existing} cannot be written: give it to the user the gateway runs as, or set DATA_DIR.`);
  });
  const mode = (await stat(existing)).mode & 0o077;
  if (existing !== config.dataDir) return [ok(`${config.dataDir} will be made`)];
  return mode === 0 ? [ok(config.dataDir)] : [note(`${config.dataDir} can be read by others: chmod 700 it`)];
}

async function nearestExisting(path: string): Promise<string> {
  const there = await stat(path).catch(() => null);
  return there !== null || dirname(path) === path ? path : nearestExisting(dirname(path));
}

async function checkDatabase({ database }: Config): Promise<Outcome[]> {
  if (database.kind === 'sqlite' && database.path !== ':memory:') {
    const there = await stat(database.path).catch(() => null);
    if (there === null) return [ok(`${database.path} will be made at the first start`)];
  }
  try {
    const store = await openStore(database, { migrate: false });
    await store.ping(AbortSignal.timeout(DEADLINE_MS)).finally(() => store.close());
    return [ok(`${store.engine}: a write commits`)];
  } catch (error) {
    if (error instanceof Error && /migrate first/.test(error.message))
      return [ok(`${database.kind}: reachable; the next start brings its schema up to date`)];
    if (error instanceof GatewayError)
      throw new Error(`the database does not answer (${sentence(error.cause)}): check DATABASE_URL and its server.`);
    throw error;
  }
}

async function checkGitHub({ github }: Config): Promise<Outcome[]> {
  const credentials = Buffer.from(`${github.clientId}:${github.clientSecret}`).toString('base64');
  // Asks about a token that cannot exist: 404 says that the client's id and secret were right, 401 that they were not.
  const response = await fetch(`${github.apiUrl}/applications/${encodeURIComponent(github.clientId)}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${credentials}`, accept: 'application/json', 'content-type': 'application/json' },
    body: JSON.stringify({ access_token: 'gho_check' }),
    signal: AbortSignal.timeout(DEADLINE_MS),
  }).catch((error: unknown) => {
    throw new Error(
      `${github.apiUrl} cannot be reached (${sentence(error instanceof Error ? (error.cause ?? error) : error)}): check the network and GITHUB_API_URL. Behind a proxy the gateway itself needs NODE_USE_ENV_PROXY=1.`,
    );
  });
  await response.body?.cancel();
  if (response.status === 404 || response.status === 422) return [ok(`${github.apiUrl} knows the app`)];
  if (response.status === 401)
    return [failed('GitHub refuses GITHUB_CLIENT_ID with GITHUB_CLIENT_SECRET: compare both with the app’s page')];
  return [note(`${github.apiUrl} answered ${response.status}: reachable, but the app could not be checked`)];
}

async function checkRuntimes(config: Config): Promise<Outcome[]> {
  const { topology, cliUrls, connectionToken } = config.copilot;
  if (topology === 'external') {
    return Promise.all(
      cliUrls.map((url) =>
        checkServer(url, connectionToken !== null, AbortSignal.timeout(DEADLINE_MS)).then(
          () => ok(`${url} answers and checks the connection token`),
          (error: unknown) => failed(`${url}: ${sentence(error)}. Is \`copilot --headless\` running there?`),
        ),
      ),
    );
  }
  const directory = await mkdtemp(join(tmpdir(), 'pilothouse-check-'));
  try {
    return [ok(await runOnce(config, directory))];
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Starts one runtime process and asks it for its version. */
async function runOnce(config: Config, directory: string): Promise<string> {
  const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  // No session is opened, so nothing asks for files.
  const sessionFiles = {} as SessionFileRepository;
  const closing = new AbortController().signal;
  const parts = { config, sessionFiles, logger: silent, clock: Date.now, timings: TIMINGS, closing };
  const directories = await openRuntimeDirectories(directory, Date.now(), silent);
  try {
    const host = await spawnRuntime({ name: 'check', slot: 'check' }, directories, parts);
    await host.probe();
    await host.end('checked');
    return `a Copilot runtime ${host.version ?? ''} starts`;
  } catch (error) {
    throw new Error(
      `a Copilot runtime does not start (${sentence(error instanceof Error ? (error.cause ?? error) : error)}): run npm ci on this platform again.`,
    );
  } finally {
    await directories.close();
  }
}

/** An export of nothing. A collector that is away keeps no gateway from starting, so it is a note. */
async function checkTraces({ tracing }: Config): Promise<Outcome[]> {
  const { endpoint, headers } = tracing;
  if (endpoint === null) return [];
  const url = `${endpoint}/v1/traces`;
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: '{"resourceSpans":[]}',
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    await response.body?.cancel();
    if (response.ok) return [ok(`${url} takes traces`)];
    return [note(`${url} answered ${response.status}: traces will be dropped until it takes them`)];
  } catch (error) {
    const reason = sentence(error instanceof Error ? (error.cause ?? error) : error);
    return [note(`${url} cannot be reached (${reason}): traces will be dropped until it can`)];
  }
}

function sentence(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message !== '' ? error.message : ((error as NodeJS.ErrnoException).code ?? error.name);
}

if (import.meta.main) {
  const findings = await checkConfig(process.env);
  const marks = { ok: 'ok    ', note: 'note  ', failed: 'FAILED' };
  for (const { check, result, detail } of findings) console.log(`${marks[result]}  ${check}: ${detail}`);
  const failures = findings.filter(({ result }) => result === 'failed').length;
  console.log(failures === 0 ? '\nThe gateway can start.' : `\n${failures} to mend before the gateway can start.`);
  process.exitCode = failures === 0 ? 0 : 1;
}
