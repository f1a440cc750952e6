/** The scheduler over a real store, with a fake clock: nothing here waits for time to pass. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Job } from '../../src/jobs/job.ts';
import { firstLook, jittered, nextDue } from '../../src/jobs/job-schedule.ts';
import { JobScheduler, type JobSchedulerParts } from '../../src/jobs/job-scheduler.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { Store } from '../../src/store/store.ts';
import { recordingLogger } from '../support/runtime-settings.ts';

const HOUR = 3_600_000;

class FakeClock {
  now = 1_800_000_000_000;
  read = () => this.now;
  advance(ms: number): void {
    this.now += ms;
  }
}

describe('Jobs', () => {
  let store: Store;
  let clock: FakeClock;
  let log: ReturnType<typeof recordingLogger>;

  beforeEach(async () => {
    store = await openStore({ kind: 'sqlite', path: ':memory:' });
    clock = new FakeClock();
    log = recordingLogger();
  });
  afterEach(() => store.close());

  const scheduler = (jobs: Job[], instanceId = 'one', parts: Partial<JobSchedulerParts> = {}) =>
    new JobScheduler({
      jobs,
      runs: store.jobRuns,
      instanceId,
      logger: log,
      clock: clock.read,
      random: () => 0.5,
      ...parts,
    });

  const counting = (name: string, everyMs: number, more: Partial<Job> = {}) => {
    const run = async () => {
      job.runs += 1;
      return { deleted: job.runs };
    };
    const job: Job & { runs: number } = { name, everyMs, runs: 0, run, ...more };
    return job;
  };

  it('run again when their interval is over, not before', async () => {
    const job = counting('sweep', HOUR);
    const one = scheduler([job]);
    await one.runDue();
    assert.equal(job.runs, 0, 'a start is not the moment everything runs');
    clock.advance(60_000);
    await one.runDue();
    assert.equal(job.runs, 1);
    clock.advance(HOUR / 2);
    await one.runDue();
    assert.equal(job.runs, 1);
    clock.advance(HOUR);
    await one.runDue();
    assert.equal(job.runs, 2);
  });

  it('run once for all instances together', async () => {
    const job = counting('sweep', HOUR);
    const instances = ['one', 'two', 'three'].map((id) => scheduler([job], id));
    for (let minute = 0; minute < 50; minute += 1) {
      clock.advance(60_000);
      await Promise.all(instances.map((instance) => instance.runDue()));
    }
    assert.equal(job.runs, 1);
  });

  it('run at the start of an instance when their work depends on it', async () => {
    const job = counting('reseal', 24 * HOUR, { atStart: true });
    await scheduler([job]).runDue();
    await scheduler([job], 'restarted').runDue();
    assert.equal(job.runs, 2);
  });

  it('that fail are logged without their data, tried again soon, and later and later', async () => {
    const job = counting('broken', HOUR, {
      run: async () => {
        throw new Error('the disk said no');
      },
    });
    const seen: string[] = [];
    const one = scheduler([job], 'one', { onRun: ({ outcome }) => void seen.push(outcome) });
    for (let minute = 0; minute < 10; minute += 1) {
      clock.advance(60_000);
      await one.runDue();
    }
    assert.ok(seen.length >= 3 && seen.length <= 6, `${seen.length} attempts in ten minutes`);
    const [record] = await store.jobRuns.list();
    assert.equal(record?.outcome, 'failed');
    assert.equal(record?.failures, seen.length);
    assert.equal(record?.detail, 'Error');
    assert.ok(log.lines.some(({ level, message }) => level === 'error' && /failed/.test(message)));
  });

  it('of a dead instance are taken over when its lock ends', async () => {
    await store.jobRuns.claim({
      name: 'sweep',
      owner: 'dead',
      now: clock.now,
      lockedUntil: clock.now + HOUR,
      force: false,
    });
    const job = counting('sweep', 60_000);
    const one = scheduler([job]);
    clock.advance(HOUR - 1_000);
    await one.runDue();
    assert.equal(job.runs, 0);
    clock.advance(61_000);
    await one.runDue();
    assert.equal(job.runs, 1);
  });

  it('are aborted and waited for when the gateway stops, and are due at once for the next', async () => {
    const aborted = Promise.withResolvers<unknown>();
    const slow = counting('slow', HOUR, {
      atStart: true,
      run: ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            aborted.resolve(signal.reason);
            reject(signal.reason);
          });
        }),
    });
    const one = scheduler([slow, counting('later', HOUR, { atStart: true })]);
    const round = one.runDue();
    await new Promise(setImmediate);
    await Promise.all([one.stop(), aborted.promise, round]);
    const [record] = await store.jobRuns.list();
    assert.equal(record?.lockedUntil, 0);
    assert.equal(record?.dueAt, 0);
    assert.equal((await store.jobRuns.list()).length, 1, 'nothing new was begun');
  });

  it('wait for a store that is away without a storm', async () => {
    let asked = 0;
    const away = {
      ...store.jobRuns,
      claim: async () => {
        asked += 1;
        throw new Error('away');
      },
    };
    const one = scheduler([counting('sweep', HOUR, { atStart: true })], 'one', { runs: away as never });
    for (let second = 0; second < 59; second += 1) {
      await one.runDue();
      clock.advance(1_000);
    }
    assert.ok(asked <= 2, `asked ${asked} times in a minute`);
  });

  it('run when an operator asks, whatever the schedule says', async () => {
    const job = counting('sweep', 24 * HOUR);
    const one = scheduler([job]);
    assert.equal(one.request('sweep'), true);
    await one.runDue();
    assert.equal(one.request('sweep'), true);
    await one.runDue();
    assert.equal(job.runs, 2);
    assert.equal(one.request('no-such-job'), false);
  });
});

describe('The schedule of jobs', () => {
  it('moves every span by up to a tenth, and backs off up to the interval', () => {
    assert.equal(jittered(1_000, 0), 900);
    assert.equal(jittered(1_000, 0.999), 1_100);
    assert.equal(firstLook(0, HOUR, 0.5), 30_000);
    assert.equal(nextDue(0, HOUR, 0, 0.5), HOUR);
    assert.equal(nextDue(0, HOUR, 1, 0.5), 30_000);
    assert.equal(nextDue(0, HOUR, 4, 0.5), 240_000);
    assert.equal(nextDue(0, HOUR, 99, 0.5), HOUR);
  });
});
