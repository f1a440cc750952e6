/** The thread of `wal-checkpoints.ts`: each message asks for one checkpoint; `null` is the last. */
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

const connection = new DatabaseSync(String(workerData), { timeout: 0 });

parentPort?.on('message', (asked: 'checkpoint' | null) => {
  if (asked === null) {
    connection.close();
    parentPort?.close();
    return;
  }
  // Passive: copies what nobody reads or writes at this moment, and keeps nobody waiting.
  connection.exec('pragma wal_checkpoint(passive)');
  parentPort?.postMessage('done');
});
