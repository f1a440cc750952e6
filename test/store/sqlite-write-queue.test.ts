/** What the disk is waited for, and what rides along. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import { Kysely } from 'kysely';
import { sqliteDialect } from '../../src/store/dialects/sqlite-driver.ts';
import { SqliteStatements } from '../../src/store/dialects/sqlite-statements.ts';
import { SqliteWriteQueue } from '../../src/store/dialects/sqlite-write-queue.ts';
import type { Schema } from '../../src/store/schema.ts';

const FULL = 2;
const NORMAL = 1;

describe('The write queue of SQLite', () => {
  let folder: string;
  let connection: DatabaseSync;
  let queue: SqliteWriteQueue;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'pilothouse-queue-'));
    connection = new DatabaseSync(join(folder, 'queue.db'));
    connection.exec('pragma journal_mode = wal; pragma synchronous = full; create table t (n integer)');
    const statements = new SqliteStatements(connection);
    queue = new SqliteWriteQueue(
      connection,
      new Kysely<Schema>({ dialect: sqliteDialect(statements, { shared: true }) }),
      1_000,
    );
  });
  after(() => {
    connection.close();
    rmSync(folder, { recursive: true });
  });

  const synchronous = () =>
    Number((connection.prepare('pragma synchronous').get() as { synchronous: number }).synchronous);
  const insert = async (n: number) => {
    connection.prepare('insert into t values (?)').run(n);
    return synchronous();
  };

  it('waits for the disk by default, and for a trailing write not', async () => {
    assert.equal(await queue.run(() => insert(1)), FULL);
    assert.equal(await queue.run(() => insert(2), { trailing: true }), NORMAL);
    assert.equal(await queue.run(() => insert(3)), FULL);
  });

  it('lets a trailing write ride on a durable one that waits with it, never the other way round', async () => {
    const together = [queue.run(() => insert(4), { trailing: true }), queue.run(() => insert(5))];
    assert.deepEqual(await Promise.all(together), [FULL, FULL]);
    let late: Promise<number> | null = null;
    const early = queue.run(
      async () => {
        late = queue.run(() => insert(7));
        return insert(6);
      },
      { trailing: true },
    );
    assert.equal(await early, NORMAL);
    assert.equal(await late, FULL);
  });
});
