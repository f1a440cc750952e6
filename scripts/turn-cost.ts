/**
 * `npm run turn-cost -- [--seconds N] [--topology isolated|shared]`: what a turn costs on PostgreSQL, by who pays it. One real
 * gateway, a durable database, six people with four chats each that never pause; the model answers at once, so all of it is
 * ours. Prints turns a second and, per turn, CPU of the gateway, of its runtimes and of the database, transactions and write-ahead log.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { startStandIn } from '../src/demo/stand-in.ts';
import { SHARED_SECRETS, temporaryDirectory } from '../test/support/cluster.ts';
import { gatewayEnvironment } from '../test/support/gateway.ts';
import { Browser } from '../test/support/http-browser.ts';
import { InstanceProcess } from '../test/support/instance-process.ts';
import { startPostgres } from '../test/support/postgres.ts';

const LOGINS = ['mona', 'hubot', 'octavia', 'lovelace', 'samuel', 'renata'];
const CHATS_EACH = 4;
/** Until runtimes are warm. */
const WARM_MS = 5_000;
/** `getconf CLK_TCK` is 100 on every Linux that Node supports. */
const MS_PER_TICK = 10;

/** CPU of processes in ms, and what the database counted. */
interface Reading {
  readonly gateway: number;
  readonly runtimes: number;
  readonly database: number;
  readonly transactions: number;
  readonly walBytes: number;
  readonly turns: number;
  readonly at: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { seconds: { type: 'string', default: '20' }, topology: { type: 'string', default: 'isolated' } },
  });
  await using opened = new AsyncDisposableStack();
  const server = opened.adopt(await startPostgres({ durable: true }), (it) => it.close());
  const standIn = opened.adopt(await startStandIn(), (it) => it.close());
  const directory = opened.adopt(await temporaryDirectory(), (it) => it.remove());
  const url = await server.createDatabase();
  // Its own public address: the one it listens on.
  const { PUBLIC_URL: _, ...env } = gatewayEnvironment(standIn, { dataDir: directory.path, port: 0 });
  const gateway = new InstanceProcess({
    ...env,
    ...{ ...SHARED_SECRETS, DATABASE_URL: url, COPILOT_TOPOLOGY: values.topology },
    ...{ LOG_LEVEL: 'warn', RATE_LIMIT_PER_MINUTE: '1000000' },
  });
  opened.adopt(gateway, (it) => it.kill());
  await gateway.start();
  const people = await Promise.all(LOGINS.map((login) => signIn(gateway, standIn, login)));
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  opened.defer(() => client.end());
  const stop = new AbortController();
  const load = { turns: 0 };
  const chatting = people.flatMap((browser) =>
    Array.from({ length: CHATS_EACH }, () => chat(browser, load, stop.signal)),
  );
  await delay(WARM_MS);
  const before = await read(client, gateway, load);
  await delay(Number(values.seconds) * 1_000);
  tell(before, await read(client, gateway, load));
  stop.abort();
  await Promise.all(chatting);
}

async function signIn(gateway: InstanceProcess, standIn: Awaited<ReturnType<typeof startStandIn>>, login: string) {
  const browser = new Browser(gateway.url);
  await browser.signIn(standIn, login);
  return browser;
}

async function chat(browser: Browser, load: { turns: number }, stop: AbortSignal): Promise<void> {
  const { body } = await browser.post('/api/chats', {});
  while (!stop.aborted) {
    const answer = await browser.post(`/api/chats/${body.id}/messages`, { content: '[[tokens:20]]' });
    if (answer.status !== 200) throw new Error(answer.text);
    load.turns += 1;
  }
}

async function read(client: pg.Client, gateway: InstanceProcess, { turns }: { turns: number }): Promise<Reading> {
  // What backends counted is shown within a second.
  await client.query('select pg_stat_force_next_flush()');
  const { rows } = await client.query<{ pid: number; transactions: number; wal: number }>(
    `select pg_backend_pid() as pid, xact_commit::float8 as transactions,
      pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 as wal
     from pg_stat_database where datname = current_database()`,
  );
  const [row] = rows;
  const processes = listProcesses();
  const postmaster = processes.get(row?.pid ?? 0)?.parent ?? -1;
  return {
    gateway: processes.get(gateway.pid)?.cpuMs ?? 0,
    runtimes: cpuBelow(processes, gateway.pid),
    database: cpuBelow(processes, postmaster) + (processes.get(postmaster)?.cpuMs ?? 0),
    ...{ transactions: row?.transactions ?? 0, walBytes: row?.wal ?? 0, turns, at: performance.now() },
  };
}

interface ProcessFigures {
  readonly parent: number;
  readonly cpuMs: number;
}

/** See proc(5): after the name in brackets come the state, the parent, and as 12th and 13th the ticks spent. */
function listProcesses(): Map<number, ProcessFigures> {
  const all = new Map<number, ProcessFigures>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const stat = statOf(pid);
    if (stat === null) continue;
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    all.set(Number(pid), { parent: Number(fields[1]), cpuMs: ticks * MS_PER_TICK });
  }
  return all;
}

function statOf(pid: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return null; // it has ended
  }
}

function cpuBelow(processes: ReadonlyMap<number, ProcessFigures>, root: number): number {
  const children = [...processes].filter(([, { parent }]) => parent === root);
  return children.reduce((sum, [pid, { cpuMs }]) => sum + cpuMs + cpuBelow(processes, pid), 0);
}

function tell(before: Reading, after: Reading): void {
  const turns = after.turns - before.turns;
  const per = (name: keyof Reading) => Math.round(((after[name] - before[name]) / turns) * 10) / 10;
  console.table({
    'turns a second': Math.round((turns / (after.at - before.at)) * 10_000) / 10,
    'CPU ms a turn: gateway': per('gateway'),
    'CPU ms a turn: runtimes': per('runtimes'),
    'CPU ms a turn: database': per('database'),
    'transactions a turn, reads too': per('transactions'),
    'bytes of write-ahead log a turn': Math.round((after.walBytes - before.walBytes) / turns),
  });
}

await main();
