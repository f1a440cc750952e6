/**
 * `npm run admin -- <command>`: the admin API from a machine that has the gateway's configuration. `npm run admin` alone
 * lists the commands.
 */
import { parseArgs } from 'node:util';
import { mintOperatorToken, OPERATOR_KEY_PURPOSE } from '../src/admin/operator-token.ts';
import { deriveKey } from '../src/auth/keyring.ts';
import { loadSecrets } from '../src/auth/secrets.ts';
import { type Config, ConfigError, parseConfig } from '../src/config.ts';

interface Command {
  readonly usage: string;
  readonly does: string;
  readonly request: (args: readonly string[]) => { method: 'GET' | 'POST'; path: string };
}

const get = (path: string) => ({ method: 'GET', path }) as const;
const post = (path: string) => ({ method: 'POST', path }) as const;
const id = (args: readonly string[]): string => {
  if (args[0] === undefined) throw new UsageError('This command needs an id or a name.');
  return encodeURIComponent(args[0]);
};

/** What can be done with one runtime. */
const known = (act: string): string => {
  if (!['drain', 'restart', 'resume'].includes(act)) throw new UsageError(`A runtime cannot be told to ${act}.`);
  return act;
};

const COMMANDS: Record<string, Command> = {
  users: {
    usage: 'users [login]',
    does: 'people, by how their login begins',
    request: ([login]) =>
      get(`/admin/users?limit=100${login === undefined ? '' : `&login=${encodeURIComponent(login)}`}`),
  },
  block: {
    usage: 'block <user id>',
    does: 'ends all access of a person and refuses new sign-ins',
    request: (args) => post(`/admin/users/${id(args)}/block`),
  },
  unblock: {
    usage: 'unblock <user id>',
    does: 'lets them sign in again',
    request: (args) => post(`/admin/users/${id(args)}/unblock`),
  },
  revoke: {
    usage: 'revoke <user id>',
    does: 'signs a person out everywhere; they may sign in again',
    request: (args) => post(`/admin/users/${id(args)}/revoke`),
  },
  runtimes: {
    usage: 'runtimes [drain|restart|resume <name>]',
    does: 'the runtimes of this instance; one ends after its turns, and is replaced, or left out until resumed',
    request: ([act, ...rest]) =>
      act === undefined ? get('/admin/runtimes') : post(`/admin/runtimes/${id(rest)}/${known(act)}`),
  },
  drain: { usage: 'drain', does: 'no new turns; running ones may end', request: () => post('/admin/drain') },
  jobs: { usage: 'jobs', does: 'when each job ran, and how it went', request: () => get('/admin/jobs') },
  'run-job': {
    usage: 'run-job <name>',
    does: 'runs a job now, on this instance',
    request: (args) => post(`/admin/jobs/${id(args)}/run`),
  },
  audit: {
    usage: 'audit [user id]',
    does: 'what was done, newest first',
    request: ([user]) => get(`/admin/audit${user === undefined ? '' : `?userId=${encodeURIComponent(user)}`}`),
  },
};

class UsageError extends Error {}

const DEADLINE_MS = 15_000;

/** Runs one command against the gateway that `env` describes. @returns what to print */
export async function runAdmin(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const options = { as: { type: 'string' }, url: { type: 'string' } } as const;
  const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true });
  const [name = '', ...args] = positionals;
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) throw new UsageError(usage());
  const config = parseConfig(env);
  const [as] = values.as === undefined ? config.adminUsers : [values.as];
  if (as === undefined) throw new UsageError('ADMIN_USERS is empty: nobody may use the admin API.');
  const { method, path } = command.request(args);
  const response = await fetch(new URL(path, values.url ?? addressOf(config)), {
    method,
    headers: { authorization: `Bearer ${await tokenFor(as, config)}` },
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  const answer: unknown = await response.json();
  if (!response.ok) throw new Error(String((answer as { detail?: unknown }).detail ?? response.status));
  return JSON.stringify(answer, null, 2);
}

async function tokenFor(admin: string, config: Config): Promise<string> {
  const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const { sessionSecrets } = await loadSecrets(config, silent);
  return mintOperatorToken(admin, deriveKey(sessionSecrets[0] ?? '', OPERATOR_KEY_PURPOSE));
}

/** The ops listener, or the main port, on this machine. */
function addressOf({ ops, host, port }: Config): string {
  const [at, on] = ops.port === null ? [host, port] : [ops.host, ops.port];
  const local = at === '0.0.0.0' ? '127.0.0.1' : at === '::' ? '[::1]' : at.includes(':') ? `[${at}]` : at;
  return `http://${local}:${on}`;
}

function usage(): string {
  const lines = Object.values(COMMANDS).map(({ usage: how, does }) => `  ${how.padEnd(38)} ${does}`);
  return `npm run admin -- [--as <one of ADMIN_USERS>] [--url <ops listener>] <command>\n\n${lines.join('\n')}`;
}

if (import.meta.main) {
  try {
    console.log(await runAdmin(process.argv.slice(2), process.env));
  } catch (error) {
    const known = error instanceof UsageError || error instanceof ConfigError || error instanceof Error;
    console.error(known ? error.message : error);
    process.exitCode = 1;
  }
}
