/** What the disk is waited for, what rides along, and what happens when it fails. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Kysely } from 'kysely';
import { sqliteDialect } from '../../src/store/dialects/sqlite-driver.ts';
import { SqliteStatements } from '../../src/store/dialects/sqlite-statements.ts';
import { SqliteWriteQueue } from '../../src/store/dialects/sqlite-write-queue.ts';
import { WalSync } from '../../src/store/dialects/wal-sync.ts';
import type { Schema } from '../../src/store/schema.ts';

describe('The write queue of SQLite', () => {
  let folder: string;
  let connection: DatabaseSync;
  let queue: SqliteWriteQueue;
  /** Waits for the disk that are under way. */
  let flushes: PromiseWithResolvers<void>[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pilothouse-queue-'));
    connection = new DatabaseSync(join(folder, 'queue.db'));
    connection.exec('pragma journal_mode = wal; pragma synchronous = normal; create table t (n integer)');
    flushes = [];
    const wal = {
      flush: () => {
        const flush = Promise.withResolvers<void>();
        flushes.push(flush);
        return flush.promise;
      },
    };
    const db = new Kysely<Schema>({
      dialect: sqliteDialect(new SqliteStatements(connection), { shared: true }),
    });
    queue = new SqliteWriteQueue(connection, db, { lockTimeoutMs: 1_000, wal });
  });
  afterEach(() => {
    connection.close();
    rmSync(folder, { recursive: true });
  });

  const insert = async (n: number) => {
    connection.prepare('insert into t values (?)').run(n);
    return n;
  };
  const committed = () => connection.isTransaction === false && connection.prepare('select n from t').all().length;
  /** Says whether `promise` has settled by now. */
  function watch(promise: Promise<unknown>) {
    const state = { told: 'nothing' };
    promise.then(
      () => {
        state.told = 'success';
      },
      () => {
        state.told = 'failure';
      },
    );
    return state;
  }
  async function untilCommitted(count: number): Promise<void> {
    while (committed() !== count) await nextTurn();
    await nextTurn();
  }

  it('tells nobody of success before the disk has it, but goes on meanwhile', async () => {
    const first = watch(queue.run(() => insert(1)));
    await untilCommitted(1);
    const second = watch(queue.run(() => insert(2)));
    await untilCommitted(2);
    assert.deepEqual([first.told, second.told], ['nothing', 'nothing']);
    flushes[0]?.resolve();
    await nextTurn();
    assert.deepEqual([first.told, second.told], ['success', 'nothing']);
    flushes[1]?.resolve();
    await queue.drained();
    assert.equal(second.told, 'success');
  });

  it('lets a trailing write go at once, for it rides on the next that waits', async () => {
    assert.equal(await queue.run(() => insert(1), { durable: false }), 1);
    assert.deepEqual(flushes, []);
    const together = [queue.run(() => insert(2), { durable: false }), queue.run(() => insert(3))].map(watch);
    await untilCommitted(3);
    assert.deepEqual(
      together.map(({ told }) => told),
      ['success', 'nothing'],
    );
  });

  it('writes nothing more once the disk has failed: nobody knows what it has', async () => {
    const writing = queue.run(() => insert(1));
    await untilCommitted(1);
    flushes[0]?.reject(Object.assign(new Error('EIO'), { code: 'EIO' }));
    await assert.rejects(writing, { code: 'store_unavailable' });
    await assert.rejects(
      queue.run(() => insert(2)),
      { code: 'store_unavailable' },
    );
    assert.equal(committed(), 1);
  });

  it('tells nobody of success whose wait began before the disk failed', async () => {
    const first = queue.run(() => insert(1));
    await untilCommitted(1);
    const second = queue.run(() => insert(2));
    await untilCommitted(2);
    const later = queue.durable();
    flushes[0]?.reject(Object.assign(new Error('EIO'), { code: 'EIO' }));
    await assert.rejects(first, { code: 'store_unavailable' });
    // The system tells of a lost page once: what was written behind it cannot be read without it, whatever it says now.
    for (const flush of flushes.slice(1)) flush.resolve();
    await assert.rejects(second, { code: 'store_unavailable' });
    await assert.rejects(later, { code: 'store_unavailable' });
  });
});

describe('Waiting for the disk', () => {
  it('is shared by all who come while another wait is under way', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pilothouse-wal-'));
    const path = join(folder, 'a.db');
    using database = new DatabaseSync(path);
    database.exec('pragma journal_mode = wal; create table t (n integer)');
    const wal = new WalSync(path);
    const first = wal.flush();
    const [second, third] = [wal.flush(), wal.flush()];
    assert.notEqual(first, second);
    assert.equal(second, third);
    await Promise.all([first, second, third]);
    await wal.flush();
    wal.close();
    rmSync(folder, { recursive: true });
  });

  it('fails where there is no log, and is tried again by the next who asks', async () => {
    const wal = new WalSync(join(tmpdir(), 'nowhere', 'b.db'));
    const [first, second] = [wal.flush(), wal.flush()];
    await assert.rejects(first, { code: 'ENOENT' });
    await assert.rejects(second, { code: 'ENOENT' });
  });
});
