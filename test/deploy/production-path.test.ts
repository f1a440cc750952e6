/** The way to production that the documents lead to, walked with real processes. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { walkProductionPath } from '../../scripts/production-path.ts';

it('leads from the documents to two gateways over PostgreSQL and a headless CLI', { timeout: 180_000 }, async () => {
  const path = await walkProductionPath();
  assert.deepEqual(
    path.filter(({ result }) => result === 'failed'),
    [],
  );
  // A machine may lack a pg_dump of the server's version, and nothing else.
  const leftOut = path.filter(({ result }) => result === 'left out').map(({ step }) => step);
  assert.deepEqual(
    leftOut.filter((step) => step !== 'pg_dump and pg_restore'),
    [],
  );
  assert.equal(path.at(-1)?.step, 'SIGTERM: both leave in order');
});
