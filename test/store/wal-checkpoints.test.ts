/** The log is copied into the database by a thread, while the process goes on writing. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { WalCheckpoints } from '../../src/store/dialects/wal-checkpoints.ts';

describe('Checkpoints', () => {
  let folder: string;
  let path: string;
  let writer: DatabaseSync;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pilothouse-checkpoints-'));
    path = join(folder, 'a.db');
    writer = new DatabaseSync(path);
    writer.exec('pragma journal_mode = wal; pragma wal_autocheckpoint = 0; create table t (n integer)');
  });
  afterEach(() => {
    if (writer.isOpen) writer.close();
    rmSync(folder, { recursive: true });
  });

  const insert = (n: number) => writer.prepare('insert into t values (?)').run(n);
  /** Rows of the database without its log. */
  function checkpointed(): number {
    const copy = join(folder, 'copy.db');
    copyFileSync(path, copy);
    using alone = new DatabaseSync(copy);
    try {
      return Number(alone.prepare('select count(*) as n from t').get()?.n);
    } catch {
      return 0; // not even the table is there
    }
  }

  it('come when enough was written, without anybody asking', async () => {
    const checkpoints = new WalCheckpoints(path);
    for (let n = 0; n < 23; n += 1) {
      insert(n);
      checkpoints.committed();
    }
    assert.equal(checkpointed(), 0, 'not before');
    insert(23);
    checkpoints.committed();
    while (checkpointed() < 24) await nextTurn();
    await checkpoints.close();
  });

  it('end with the database: closing waits for the thread, and a checkpoint of others is not needed any more', async () => {
    const checkpoints = new WalCheckpoints(path);
    for (let n = 0; n < 100; n += 1) {
      insert(n);
      checkpoints.committed();
    }
    await checkpoints.close();
    checkpoints.committed();
    writer.close();
    assert.equal(checkpointed(), 100, 'the last connection took the rest along');
  });

  it('are no reason to fail: without its thread SQLite helps itself', async () => {
    const checkpoints = new WalCheckpoints(join(folder, 'nowhere', 'b.db'));
    for (let n = 0; n < 100; n += 1) {
      checkpoints.committed();
      await nextTurn();
    }
    await checkpoints.close();
  });
});
