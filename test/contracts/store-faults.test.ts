/** What holds when the engine is stopped, locked, full, far away: an honest 503 soon, nothing half done, recovery by itself. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { sql } from 'kysely';
import { GatewayError } from '../../src/errors.ts';
import { openDatabase, openStore } from '../../src/store/open-store.ts';
import type { Store } from '../../src/store/store.ts';
import { accepted, ask, atOnce, newChat, newUser } from '../store/contract/fixtures.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';

const never = new AbortController().signal;

function unavailable(error: unknown): true {
  assert.ok(error instanceof GatewayError, String(error));
  assert.equal(error.code, 'store_unavailable');
  assert.ok(error.retryAfter === 1 || error.retryAfter === 2);
  assert.ok(error.cause instanceof Error);
  return true;
}

describe('faults of SQLite', () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pilothouse-faults-'));
  });
  after(() => rm(directory, { recursive: true, force: true }));
  const file = (name: string) => ({ kind: 'sqlite', path: join(directory, name), lockTimeoutMs: 150 }) as const;

  it('the files are their owner’s alone', async () => {
    const location = file('private/gateway.db');
    const store = await openStore(location);
    await newUser(store);
    const modes = [];
    for (const path of [join(directory, 'private'), ...['', '-wal', '-shm'].map((end) => location.path + end)]) {
      modes.push((await stat(path)).mode & 0o777);
    }
    assert.deepEqual(modes, [0o700, 0o600, 0o600, 0o600]);
    await store.close();
  });

  it('while another process holds the lock writing is refused soon, reading goes on, and afterwards all is well', async () => {
    const location = file('locked.db');
    const store = await openStore(location);
    const chat = await newChat(store, await newUser(store));
    const other = new DatabaseSync(location.path);
    other.exec('begin immediate');
    const refused = await Promise.allSettled([store.turns.accept(ask(chat)), store.ping(never), newUser(store)]);
    for (const result of refused) assert.ok(result.status === 'rejected' && unavailable(result.reason));
    assert.ok(await store.chats.findOwned(chat.userId, chat.id));
    assert.deepEqual((await store.messages.list(chat.id, { order: 'asc', limit: 5 })).items, []);
    other.exec('rollback');
    other.close();
    await accepted(store, ask(chat));
    await store.close();
  });

  it('waiting for the lock lets everything else run, and ends when it is free', async () => {
    const location = file('waiting.db');
    const store = await openStore({ ...location, lockTimeoutMs: 60_000 });
    const other = new DatabaseSync(location.path);
    other.exec('begin immediate');
    const waiting = newUser(store);
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    other.exec('rollback');
    other.close();
    assert.ok(await store.users.find(await waiting));
    await store.close();
  });

  it('a full disk refuses what does not fit and whoever shared its commit, and keeps what was acknowledged', async () => {
    const location = file('full.db');
    const store = await openStore(location);
    const kept = await newUser(store);
    await store.close();
    const database = openDatabase(location);
    const { rows } = await sql<{ pages: number }>`select page_count as pages from pragma_page_count()`.execute(
      database.read,
    );
    const limit = (pages: number) => database.write((db) => sql.raw(`pragma max_page_count = ${pages}`).execute(db));
    await limit((rows[0]?.pages ?? 0) + 2);
    const write = (size: number) =>
      database.write((db) =>
        sql`insert into session_files (session, chat_id, path, parent, kind, created_at, modified_at)
          values (${'s'.repeat(size)}, 'c', '/', '/', 'file', 1, 1)`.execute(db),
      );
    const results = await Promise.allSettled([write(10), write(200_000), write(20)]);
    for (const result of results) {
      if (result.status === 'rejected') unavailable(result.reason);
    }
    assert.equal(results[1]?.status, 'rejected');
    const stored = await sql<{ size: number }>`select length(session) as size from session_files`.execute(
      database.read,
    );
    assert.deepEqual(
      stored.rows.map((row) => row.size),
      results.flatMap((result, index) => (result.status === 'fulfilled' ? [[10, 200_000, 20][index]] : [])),
      'told is stored, not told is not',
    );
    await limit(1_000_000);
    await write(300_000);
    await database.close();
    const again = await openStore(location);
    assert.ok(await again.users.find(kept));
    await again.close();
  });

  it('writes that wait together share a commit, and one that fails takes nothing of the others with it', async () => {
    const location = file('shared.db');
    const database = openDatabase(location);
    await database.write((db) => sql`create table t (id integer primary key)`.execute(db));
    const outside = new DatabaseSync(location.path, { readOnly: true });
    const seen = outside.prepare('select count(*) as n from t where id = ?');
    const results = await atOnce(10, (index) =>
      database
        .transaction(async (trx) => {
          await sql`insert into t values (${index})`.execute(trx);
          if (index % 3 === 1) throw new Error('changed my mind');
        })
        .then(
          () => ({ ...seen.get(index) }).n,
          (error: Error) => error.message,
        ),
    );
    const expected = Array.from({ length: 10 }, (_, index) => (index % 3 === 1 ? 'changed my mind' : 1));
    assert.deepEqual(results, expected, 'who was told of success is on the disk by then');
    assert.deepEqual({ ...outside.prepare('select count(*) as n from t').get() }, { n: 7 });
    outside.close();
    await database.close();
  });

  it('a file that is no database, and a store that was closed, are unavailable', async () => {
    await writeFile(join(directory, 'not.db'), 'this is not a database, however long it may be'.repeat(100));
    await assert.rejects(openStore(file('not.db')), unavailable);
    const store = await openStore(file('closed.db'));
    await store.close();
    await assert.rejects(newUser(store), unavailable);
    await assert.rejects(store.users.find('1'), unavailable);
    await assert.rejects(store.ping(never), unavailable);
  });

  it('a ping answers by its deadline whatever the engine does', async () => {
    const location = file('ping.db');
    const store = await openStore({ ...location, lockTimeoutMs: 300 });
    await store.ping(never);
    const other = new DatabaseSync(location.path);
    other.exec('begin immediate');
    const deadline = new AbortController();
    const ping = store.ping(deadline.signal);
    deadline.abort(new Error('too late'));
    await assert.rejects(ping, unavailable);
    await assert.rejects(store.ping(deadline.signal), unavailable);
    other.exec('rollback');
    other.close();
    await store.close();
  });

  it('a database in memory works, also while it is written to', async () => {
    const store = await openStore({ kind: 'sqlite', path: ':memory:' });
    const chat = await newChat(store, await newUser(store));
    const [turn, lists] = await Promise.all([
      accepted(store, ask(chat)),
      atOnce(5, () => store.messages.list(chat.id, { order: 'asc', limit: 5 })),
    ]);
    for (const list of lists) assert.ok(list.items.every((message) => message.turnId === turn.id));
    assert.equal((await store.messages.list(chat.id, { order: 'asc', limit: 5 })).items.length, 1);
    await store.close();
  });
});

describe('faults of PostgreSQL', () => {
  let server: PostgresServer;
  let url: string;
  let store: Store;
  const warnings: string[] = [];
  before(async () => {
    server = await startPostgres();
    url = await server.createDatabase();
    const logger = { warn: (_: object, message: string) => warnings.push(message), error: () => {} };
    store = await openStore({ kind: 'postgres', url, lockTimeoutMs: 100 }, { logger });
  });
  after(async () => {
    await store.close();
    await server.close();
  });

  it('stopped, everything is refused at once; started again, the same store works', async () => {
    const chat = await newChat(store, await newUser(store));
    await atOnce(5, () => store.users.find(chat.userId));
    await server.stop();
    const began = performance.now();
    const calls = [
      store.turns.accept(ask(chat)),
      store.messages.list(chat.id, { order: 'asc', limit: 5 }),
      store.chats.list(chat.userId, { limit: 5 }),
      store.ping(never),
      store.credentials.withRefreshLock('1', never, async () => {}),
      openStore({ kind: 'postgres', url }),
    ];
    for (const result of await Promise.allSettled(calls)) {
      assert.ok(result.status === 'rejected' && unavailable(result.reason));
    }
    assert.ok(performance.now() - began < 2_000);
    assert.ok(warnings.length > 0, 'the operator is told of lost connections');
    await server.start();
    await accepted(store, ask(chat));
    assert.equal((await store.messages.list(chat.id, { order: 'asc', limit: 5 })).items.length, 1);
    await store.credentials.withRefreshLock('1', never, async () => {});
  });

  it('stopped in the middle of a transaction, nothing of it stays and the caller is told', async () => {
    const database = openDatabase({ kind: 'postgres', url });
    const work = database.transaction(async (trx) => {
      await sql`create table halfway (id integer)`.execute(trx);
      await server.stop();
      await sql`insert into halfway values (1)`.execute(trx);
    });
    await assert.rejects(work, unavailable);
    await server.start();
    const { rows } = await sql<{ there: string | null }>`select to_regclass('halfway') as there`.execute(database.read);
    assert.equal(rows[0]?.there, null);
    await database.close();
  });

  it('a row that somebody holds too long is a refusal, not a hanging request', async () => {
    const chat = await newChat(store, await newUser(store));
    const other = openDatabase({ kind: 'postgres', url });
    await other.transaction(async (trx) => {
      await sql`select 1 from chats where id = ${chat.id} for update`.execute(trx);
      await assert.rejects(store.turns.accept(ask(chat)), unavailable);
      assert.ok(await store.chats.findOwned(chat.userId, chat.id));
    });
    await accepted(store, ask(chat));
    await other.close();
  });

  it('two transactions that wait for each other both succeed, one of them again', async () => {
    const database = openDatabase({ kind: 'postgres', url });
    await sql`create table pair (id integer primary key, n integer not null)`.execute(database.read);
    await sql`insert into pair values (1, 0), (2, 0)`.execute(database.read);
    let runs = 0;
    const both = Promise.withResolvers<void>();
    const add = (first: number, second: number) =>
      database.transaction(async (trx) => {
        runs += 1;
        await sql`update pair set n = n + 1 where id = ${first}`.execute(trx);
        if (runs === 2) both.resolve();
        await both.promise;
        await sql`update pair set n = n + 1 where id = ${second}`.execute(trx);
      });
    await Promise.all([add(1, 2), add(2, 1)]);
    const { rows } = await sql<{ n: number }>`select n from pair`.execute(database.read);
    assert.deepEqual(
      rows.map((row) => row.n),
      [2, 2],
    );
    assert.equal(runs, 3);
    await database.close();
  });

  it('a server that accepts connections and says nothing is given up on', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    try {
      const { port } = silent.address() as AddressInfo;
      const began = performance.now();
      await assert.rejects(openStore({ kind: 'postgres', url: `postgres://u@127.0.0.1:${port}/d` }), unavailable);
      assert.ok(performance.now() - began < 4_000);
    } finally {
      silent.close();
    }
  });
});
