/** Jobs of a cluster: several instances over one PostgreSQL, each with connections of its own. */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { JobScheduler } from '../../src/jobs/job-scheduler.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { Store } from '../../src/store/store.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';
import { recordingLogger } from '../support/runtime-settings.ts';

let server: PostgresServer;
let stores: Store[] = [];

before(async () => {
  server = await startPostgres();
  const url = await server.createDatabase();
  stores = await Promise.all([1, 2, 3, 4].map(() => openStore({ kind: 'postgres', url })));
});
after(async () => {
  await Promise.all(stores.map((store) => store.close()));
  await server.close();
});

it('A job that four instances want at the same moment runs once, and once more when it is due again', async () => {
  let runs = 0;
  let now = 1_800_000_000_000; // a fake clock, the same for all
  const job = { name: 'sweep', everyMs: 3_600_000, run: async () => ({ deleted: ++runs }) };
  const instances = stores.map(
    (store, index) =>
      new JobScheduler({
        ...{ jobs: [job], runs: store.jobRuns, instanceId: `instance-${index}`, logger: recordingLogger() },
        ...{ clock: () => now, random: () => 0.5 },
      }),
  );
  now += 60_000;
  await Promise.all(instances.map((instance) => instance.runDue()));
  assert.equal(runs, 1);
  now += 3_700_000;
  await Promise.all(instances.map((instance) => instance.runDue()));
  assert.equal(runs, 2);
  const [record] = (await stores[0]?.jobRuns.list()) ?? [];
  assert.equal(record?.detail, '{"deleted":2}');
  assert.equal(record?.failures, 0);
});
