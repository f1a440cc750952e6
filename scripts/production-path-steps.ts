/** The steps of `npm run production-path`, in order. Each leaves to the next what it found. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv, promisify } from 'node:util';
import { type StandIn, startStandIn } from '../src/demo/stand-in.ts';
import { freePort } from '../test/support/gateway.ts';
import { Browser } from '../test/support/http-browser.ts';
import { InstanceProcess } from '../test/support/instance-process.ts';
import { type PostgresServer, startPostgres } from '../test/support/postgres.ts';
import { startServer } from '../test/support/runtime-server.ts';

/** Thrown by a step that cannot be walked on this machine, which is no failure. */
export class LeftOut extends Error {}

/** What steps have in common. */
export interface Walk {
  /** Of this walk alone; gone afterwards. */
  readonly directory: string;
  readonly opened: AsyncDisposableStack;
  readonly found: Partial<Found>;
}

interface Found {
  secrets: string;
  postgres: PostgresServer;
  databaseUrl: string;
  standIn: StandIn;
  env: Record<string, string>;
  one: InstanceProcess;
  two: InstanceProcess;
  atOne: Browser;
  atTwo: Browser;
}

/** Walks one step. @returns what there is to say about it; throws when it failed */
type Step = (walk: Walk) => Promise<string>;

const ROOT = join(import.meta.dirname, '..');
const run = promisify(execFile);
/** For every command, in milliseconds. */
const COMMAND_MS = 30_000;

export const STEPS: Readonly<Record<string, Step>> = {
  'secrets, by the commands of docs/deploy.md': makeSecrets,
  PostgreSQL: startDatabase,
  'headless Copilot CLI with its connection token': startCli,
  'settings: config/external.env, filled in': fillIn,
  'npm run check-config': checkConfig,
  'two gateways': startGateways,
  'health of both': checkHealth,
  'sign-in on one, the same session on the other': signIn,
  'a chat on one goes on at the other': chatOnBoth,
  'npm run admin -- runtimes': showRuntimes,
  'one is killed, the other goes on': killOne,
  'the killed one comes back': comeBack,
  'npm run rotate-keys -- --check': checkKeys,
  'pg_dump and pg_restore': backUp,
  'SIGTERM: both leave in order': leave,
};

/** What an earlier step left. */
function had<Name extends keyof Found>({ found }: Walk, name: Name): Found[Name] {
  const value = found[name];
  assert.ok(value !== undefined, `no step left ${name}`);
  return value;
}

async function makeSecrets({ directory, found }: Walk): Promise<string> {
  const document = await readFile(join(ROOT, 'docs', 'deploy.md'), 'utf8');
  const commands = /## Secrets\n+```sh\n([\s\S]*?)```/.exec(document)?.[1];
  assert.ok(commands, 'docs/deploy.md has no commands for secrets');
  await run('bash', ['-euc', commands], { cwd: directory, timeout: COMMAND_MS });
  found.secrets = join(directory, 'config', 'deploy', 'secrets');
  const { stdout } = await run('ls', [found.secrets]);
  return stdout.trim().split('\n').join(' ');
}

async function startDatabase(walk: Walk): Promise<string> {
  const postgres = walk.opened.adopt(await startPostgres({ durable: true }), (it) => it.close());
  const databaseUrl = await postgres.createDatabase();
  await writeFile(join(had(walk, 'secrets'), 'database_url'), databaseUrl);
  Object.assign(walk.found, { postgres, databaseUrl });
  return 'with fsync';
}

async function startCli(walk: Walk): Promise<string> {
  const standIn = walk.opened.adopt(await startStandIn(), (it) => it.close());
  await writeFile(join(had(walk, 'secrets'), 'github_client_secret'), standIn.clientSecret);
  const server = walk.opened.adopt(
    await startServer('cli', {
      volume: join(walk.directory, 'copilot'),
      env: { COPILOT_API_URL: standIn.copilotApiUrl, COPILOT_DEBUG_GITHUB_API_URL: standIn.debugGitHubApiUrl },
      token: await readFile(join(had(walk, 'secrets'), 'connection_token'), 'utf8'),
    }),
    async (it) => {
      it.kill('SIGKILL');
      await it.ended();
    },
  );
  Object.assign(walk.found, { standIn, env: { CLI_URL: server.url } });
  return `@github/copilot, process ${server.pid}`;
}

async function fillIn(walk: Walk): Promise<string> {
  const preset = parseEnv(await readFile(join(ROOT, 'config', 'external.env'), 'utf8')) as Record<string, string>;
  const standIn = had(walk, 'standIn');
  const file = (name: string) => join(had(walk, 'secrets'), name);
  // Secrets come from files; the list of proxies is empty, because none stands in front.
  for (const name of ['GITHUB_CLIENT_SECRET', 'DATABASE_URL', 'SESSION_SECRETS', 'CREDENTIAL_KEYS', 'TRUST_PROXY'])
    delete preset[name];
  delete preset.COPILOT_CONNECTION_TOKEN;
  const [port, opsPort] = [await freePort(), await freePort()];
  walk.found.env = {
    ...preset,
    ...{ HOST: '127.0.0.1', PORT: String(port), PUBLIC_URL: `http://localhost:${port}` },
    ...{ OPS_HOST: '127.0.0.1', OPS_PORT: String(opsPort), ADMIN_USERS: 'operator' },
    ...{ GITHUB_CLIENT_ID: standIn.clientId, GITHUB_URL: standIn.githubUrl, GITHUB_API_URL: standIn.githubApiUrl },
    ...{ GITHUB_ALLOWED_ORGS: '', GITHUB_ALLOWED_USERS: 'mona', CLI_URL: had(walk, 'env').CLI_URL ?? '' },
    ...{ DATABASE_URL_FILE: file('database_url'), GITHUB_CLIENT_SECRET_FILE: file('github_client_secret') },
    ...{ SESSION_SECRETS_FILE: file('session_secrets'), CREDENTIAL_KEYS_FILE: file('credential_keys') },
    COPILOT_CONNECTION_TOKEN_FILE: file('connection_token'),
    DATA_DIR: join(walk.directory, 'one'),
    LOG_LEVEL: 'info',
  };
  return `${Object.keys(walk.found.env).length} variables, no secret among them`;
}

/** `npm run <name>` as an operator runs it. @throws with what it said when it failed */
async function npmRun(walk: Walk, name: string, ...args: string[]): Promise<string> {
  const env = { ...had(walk, 'env'), PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '' };
  const given = args.length === 0 ? [] : ['--', ...args];
  try {
    const { stdout } = await run('npm', ['run', '--silent', name, ...given], { cwd: ROOT, env, timeout: COMMAND_MS });
    return stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${stdout}${stderr}`.trim() || String(error));
  }
}

async function checkConfig(walk: Walk): Promise<string> {
  const said = await npmRun(walk, 'check-config');
  return said.trim().split('\n').at(-1) ?? '';
}

async function startGateways(walk: Walk): Promise<string> {
  const env = had(walk, 'env');
  const opsPort = String(await freePort());
  const instances = [env, { ...env, DATA_DIR: join(walk.directory, 'two'), OPS_PORT: opsPort }].map((its) =>
    walk.opened.adopt(new InstanceProcess(its), (it) => it.kill()),
  );
  const [one, two] = instances;
  assert.ok(one && two);
  await one.start(Number(env.PORT));
  await two.start();
  Object.assign(walk.found, { one, two });
  return `processes ${one.pid} and ${two.pid}`;
}

async function checkHealth(walk: Walk): Promise<string> {
  for (const { url } of [had(walk, 'one'), had(walk, 'two')]) {
    const browser = new Browser(url);
    assert.equal((await browser.get('/healthz')).status, 200);
    const ready = await browser.get('/readyz');
    assert.equal(ready.status, 200, ready.text);
    assert.deepEqual([ready.body.store.engine, ready.body.runtimes.topology], ['postgres', 'external']);
    assert.equal((await browser.get('/metrics')).status, 404, 'operators’ routes are on the main port');
  }
  return 'alive, ready, nothing for operators on the public port';
}

async function signIn(walk: Walk): Promise<string> {
  const atOne = new Browser(had(walk, 'one').url);
  await atOne.signIn(had(walk, 'standIn'), 'mona');
  const atTwo = new Browser(had(walk, 'two').url);
  for (const [name, value] of atOne.cookies) atTwo.cookies.set(name, value);
  assert.equal((await atTwo.get('/api/me')).body.login, 'mona');
  const stranger = new Browser(had(walk, 'one').url);
  await assert.rejects(stranger.signIn(had(walk, 'standIn'), 'hubot'), /403/);
  Object.assign(walk.found, { atOne, atTwo });
  return 'who is not in GITHUB_ALLOWED_USERS is refused';
}

/** Asks in the chat of this walk. @returns how many messages the model was given */
async function ask(walk: Walk, browser: Browser, message: string): Promise<number> {
  const { status, text, body } = await browser.post('/api/chat', { sessionId: 'path', message: `[[say:${message}]]` });
  assert.equal(status, 200, text);
  assert.equal(body.content, message);
  return had(walk, 'standIn').modelRequests.at(-1)?.messages.length ?? 0;
}

async function chatOnBoth(walk: Walk): Promise<string> {
  const first = await ask(walk, had(walk, 'atOne'), 'one');
  const second = await ask(walk, had(walk, 'atTwo'), 'two');
  assert.ok(second > first, 'the model was not told what was said on the other');
  return 'with its history';
}

async function showRuntimes(walk: Walk): Promise<string> {
  const { items } = JSON.parse(await npmRun(walk, 'admin', 'runtimes'));
  assert.equal(items[0].healthy, true);
  return `${items[0].name}, CLI ${items[0].version}`;
}

async function killOne(walk: Walk): Promise<string> {
  await had(walk, 'one').kill();
  await ask(walk, had(walk, 'atTwo'), 'three');
  const { body } = await had(walk, 'atTwo').get('/api/chats');
  assert.equal(body.items.length, 1);
  return 'SIGKILL';
}

async function comeBack(walk: Walk): Promise<string> {
  await had(walk, 'one').start();
  await ask(walk, had(walk, 'atOne'), 'four');
  return 'ready, and the chat goes on there';
}

async function checkKeys(walk: Walk): Promise<string> {
  return (await npmRun(walk, 'rotate-keys', '--check')).trim().split('\n').join(' ');
}

/** As docs/operations.md has it, into a database of its own. */
async function backUp(walk: Walk): Promise<string> {
  const databaseUrl = had(walk, 'databaseUrl');
  const file = join(walk.directory, 'backup', 'pilothouse.dump');
  await mkdir(join(walk.directory, 'backup'));
  const command = (line: string, url: string) =>
    run('bash', ['-euc', line], { cwd: join(walk.directory, 'backup'), env: { ...process.env, DATABASE_URL: url } });
  try {
    await command('pg_dump --format=custom --file=pilothouse.dump "$DATABASE_URL"', databaseUrl);
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string };
    if (/not found|version mismatch/.test(stderr)) throw new LeftOut(stderr.trim().split('\n').at(-1));
    throw error;
  }
  const restored = await had(walk, 'postgres').createDatabase();
  await command('pg_restore --clean --if-exists --dbname="$DATABASE_URL" pilothouse.dump', restored);
  const messages = await Promise.all([databaseUrl, restored].map(countMessages));
  assert.equal(messages[0], messages[1]);
  return `${messages[0]} messages in ${file.split('/').at(-1)}, and in the database restored from it`;
}

async function countMessages(url: string): Promise<number> {
  const { stdout } = await run('psql', ['--tuples-only', '--command', 'select count(*) from messages', url]);
  return Number(stdout);
}

async function leave(walk: Walk): Promise<string> {
  const codes = await Promise.all([had(walk, 'one'), had(walk, 'two')].map((it) => it.terminate()));
  assert.deepEqual(codes, [0, 0]);
  return 'exit codes 0 and 0';
}
