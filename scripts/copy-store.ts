/**
 * `npm run copy-store -- --from sqlite:./data/gateway.db --to postgres://…`, and back: moves a whole installation to another
 * database. Stop the gateways first. Killed half-way, the same command goes on where it was. `--step` bounds the rows of a step.
 */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { databaseOf } from '../src/config.ts';
import { type DatabaseLocation, openForMigrations, ownDatabase } from '../src/store/open-store.ts';
import { runCommand } from './command.ts';
import { nameOfPlace } from './copy-store-progress.ts';
import { type CopyEnd, copyStore } from './copy-store-run.ts';

const USAGE = 'npm run copy-store -- --from sqlite:<path> --to postgres://user:password@host/database (or back)';
/** Between two lines about the same table, ms. */
const TELL_MS = 2_000;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { from: { type: 'string' }, to: { type: 'string' }, step: { type: 'string', default: '500' } },
  });
  if (values.from === undefined || values.to === undefined) throw new Error(USAGE);
  const step = Number(values.step);
  if (!Number.isSafeInteger(step) || step < 1) throw new Error('--step is how many rows are copied at once: 1 to 500.');
  const [from, to] = [locationOf(values.from), locationOf(values.to)];
  if (from.kind === 'sqlite' && !existsSync(from.path)) throw new Error(`There is no database at ${from.path}.`);
  if (nameOfPlace(from) === nameOfPlace(to)) throw new Error('--from and --to are the same database.');
  await using opened = new AsyncDisposableStack();
  const [source, target] = [open(from, opened), open(to, opened)];
  const counts = await copyStore(source, target, { progress: teller(), step });
  console.table(Object.fromEntries(counts.map(({ table, rows }) => [table, { rows }])));
  console.log('Everything is there, compared row by row. Start the gateway on it with the same SESSION_SECRETS and');
  console.log(
    'CREDENTIAL_KEYS: of a SQLite installation they are in DATA_DIR/secrets.json, unless its environment had them.',
  );
}

function open(location: DatabaseLocation, opened: AsyncDisposableStack): CopyEnd {
  opened.use(ownDatabase(location));
  return { location, database: opened.adopt(openForMigrations(location), (it) => it.close()) };
}

/** @throws Error for anything but the URL of a database, which is not repeated: it may hold a password */
function locationOf(text: string): DatabaseLocation {
  const location = databaseOf(text);
  if (location === null || (location.kind === 'sqlite' && location.path === ':memory:')) throw new Error(USAGE);
  return location;
}

function teller(): (table: string, rows: number) => void {
  let toldAt = performance.now();
  return (table, rows) => {
    if (performance.now() - toldAt < TELL_MS) return;
    toldAt = performance.now();
    console.log(`${table}: ${rows} rows`);
  };
}

await runCommand(main);
