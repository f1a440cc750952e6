import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntimeFleet } from '../../src/runtimes/runtime-fleet.ts';
import type { RuntimeParts } from '../../src/runtimes/runtime-parts.ts';
import type { Topology } from '../../src/runtimes/topologies/topology.ts';
import { hostOverFake, partsOfTests } from '../support/fake-runtime-host.ts';

/** A fake topology: a place for every user, hosts as told. */
function fakeTopology(parts: RuntimeParts, changes: Partial<Topology> = {}): Topology {
  return {
    ...{ name: 'isolated', state: 'store', slots: null, warmSessions: 20, filledAhead: false, recycles: false },
    start: async (slot) => hostOverFake(parts, { slot }),
    tick: async () => undefined,
    close: async () => undefined,
    ...changes,
  };
}

/** A fleet whose runtimes' directories cannot be removed. */
function stuckFleet() {
  const parts = partsOfTests({ leases: { leases: { idleMs: 0, maxRuntimes: 5 } } });
  const dispose = async (): Promise<void> => {
    throw Object.assign(new Error('EACCES: permission denied, rmdir'), { code: 'EACCES' });
  };
  let closed = false;
  const topology = fakeTopology(parts, {
    start: async (slot) => hostOverFake(parts, { slot, dispose }),
    close: async () => {
      closed = true;
    },
  });
  const complaints = () => parts.logger.lines.filter(({ message }) => /could not be cleared away/.test(message)).length;
  return { fleet: new RuntimeFleet(topology, parts), complaints, wasClosed: () => closed };
}

test('a runtime directory that cannot be removed is logged and ends nothing else', async (t) => {
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => void unhandled.push(error);
  process.on('unhandledRejection', note);
  t.after(() => process.off('unhandledRejection', note));
  const { fleet, complaints, wasClosed } = stuckFleet();
  fleet.release(await fleet.acquire('given-back'));
  await fleet.acquire('signs-out');
  await fleet.endUser('signs-out', new Error('signed out'));
  await fleet.acquire('stays');
  await fleet.close();
  assert.equal(wasClosed(), true, 'the topology is closed all the same');
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(unhandled, []);
  assert.equal(complaints(), 3);
});

/** Two people, one runtime between them. */
function narrowFleet(idleMs: number, room: number) {
  const parts = partsOfTests({ leases: { leases: { idleMs, maxRuntimes: 1 } }, timings: { room } });
  return new RuntimeFleet(fakeTopology(parts), parts);
}

for (const idleMs of [0, 60_000]) {
  test(`who comes while the only runtime is being given back gets it (idle ${idleMs} ms)`, async () => {
    const fleet = narrowFleet(idleMs, 10_000);
    const first = await fleet.acquire('mona');
    const second = fleet.acquire('hubot');
    const third = fleet.acquire('octavia');
    fleet.release(first);
    fleet.release(await second);
    const host = await third;
    assert.equal(host.slot, 'octavia');
    assert.equal(fleet.hosts().length, 1);
    await fleet.close();
  });
}

test('who finds the only runtime busy is told so after a moment, or leaves earlier', async () => {
  const fleet = narrowFleet(0, 50);
  await fleet.acquire('mona');
  const began = performance.now();
  await assert.rejects(fleet.acquire('hubot'), { code: 'runtimes_busy', retryAfter: 2 });
  assert.ok(performance.now() - began >= 45, 'it waited for room');
  const patient = narrowFleet(0, 60_000);
  await patient.acquire('mona');
  const leaving = new AbortController();
  const waiting = patient.acquire('hubot', leaving.signal);
  leaving.abort(new Error('I leave'));
  await assert.rejects(waiting, /I leave/);
  await assert.rejects(patient.acquire('octavia', undefined, false), { code: 'runtimes_busy' }, 'warming waits not');
  await Promise.all([fleet.close(), patient.close()]);
});

/** Two places for everybody. */
function sharedFleet() {
  const parts = partsOfTests();
  return new RuntimeFleet(fakeTopology(parts, { name: 'shared', slots: ['one', 'two'] }), parts);
}

test('a drained runtime ends after its last use, and nobody is sent there until it is resumed', async () => {
  const fleet = sharedFleet();
  const before = await fleet.acquire('mona');
  const home = before.slot;
  assert.equal(fleet.operate(home, 'drain'), 'done');
  assert.equal(before.gone.aborted, false, 'its turn may end');
  const elsewhere = await fleet.acquire('mona');
  assert.notEqual(elsewhere.slot, home);
  await assert.rejects(fleet.reach(home, AbortSignal.timeout(1_000)), { code: 'runtime_unavailable' });
  assert.equal(fleet.operate(elsewhere.slot, 'drain'), 'only', 'somebody has to take turns');
  fleet.release(before);
  assert.equal(before.gone.aborted, true);
  await fleet.tick();
  assert.deepEqual(
    fleet.status().map(({ name, healthy, detail }) => ({ name, healthy, detail })),
    [
      { name: elsewhere.slot, healthy: true, detail: null },
      { name: home, healthy: false, detail: 'drained' },
    ],
  );
  assert.equal(fleet.operate(home, 'resume'), 'done');
  assert.equal((await fleet.acquire('mona')).slot, home);
  await fleet.close();
});

test('a restarted runtime is replaced at once for those who come, and ends after its last use', async () => {
  const fleet = sharedFleet();
  const before = await fleet.acquire('mona');
  assert.equal(fleet.operate(before.slot, 'restart'), 'done');
  const after = await fleet.acquire('mona');
  assert.equal(after.slot, before.slot);
  assert.notEqual(after, before);
  assert.equal(before.gone.aborted, false);
  fleet.release(before);
  assert.equal(before.gone.aborted, true);
  assert.equal(fleet.operate('nobody', 'restart'), 'unknown');
  await fleet.close();
});

test('a user is not locked out by a drain of their own runtime, and it is not found by who they are', async () => {
  const parts = partsOfTests();
  const fleet = new RuntimeFleet(fakeTopology(parts), parts);
  const before = await fleet.acquire('mona');
  assert.equal(fleet.operate(before.name, 'drain'), 'done');
  const after = await fleet.acquire('mona');
  assert.notEqual(after, before);
  await after.end();
  assert.equal(fleet.operate('mona', 'drain'), 'unknown');
  await fleet.close();
});
