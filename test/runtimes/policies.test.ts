import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  chooseEviction,
  chooseIdle,
  reasonToRecycle,
  restartDelay,
  wearLimits,
} from '../../src/runtimes/lease-policy.ts';
import { givesUp } from '../../src/runtimes/retry-policy.ts';
import { choosePlace, preferenceOrder, SETTLE_MS } from '../../src/runtimes/routing-policy.ts';
import { isAbandoned } from '../../src/runtimes/runtime-directory.ts';

test('the longest idle one gives way, a busy one never', () => {
  const old = { uses: 0, lastUsedAt: 1 };
  const recent = { uses: 0, lastUsedAt: 5 };
  const busy = { uses: 1, lastUsedAt: 0 };
  assert.equal(chooseEviction([recent, busy, old]), old);
  assert.equal(chooseEviction([busy]), null);
  assert.equal(chooseEviction([]), null);
});

test('idle is who nobody has used for as long as allowed', () => {
  const idle = { uses: 0, lastUsedAt: 0 };
  const busy = { uses: 1, lastUsedAt: 0 };
  const fresh = { uses: 0, lastUsedAt: 900 };
  assert.deepEqual(chooseIdle([idle, busy, fresh], 1_000, 1_000), [idle]);
});

test('a runtime is replaced for its age, its sessions or its memory', () => {
  const limits = wearLimits(true);
  const wear = { startedAt: 0, sessionsOpened: 0, residentBytes: null };
  assert.equal(reasonToRecycle(wear, limits, limits.ageMs - 1), null);
  assert.equal(reasonToRecycle(wear, limits, limits.ageMs), 'age');
  assert.equal(reasonToRecycle({ ...wear, sessionsOpened: limits.sessionsOpened }, limits, 0), 'sessions');
  assert.equal(reasonToRecycle({ ...wear, residentBytes: limits.residentBytes }, limits, 0), 'memory');
  assert.ok(wearLimits(false).residentBytes < limits.residentBytes);
});

test('what fails to start is tried at ever longer intervals, up to half a minute', () => {
  assert.deepEqual([0, 1, 2, 3, 20].map(restartDelay), [0, 250, 500, 1_000, 30_000]);
});

test('a rate limit is told after three attempts, or two that took long', () => {
  assert.equal(givesUp({ attempts: 1, elapsedMs: 60_000 }), false);
  assert.equal(givesUp({ attempts: 2, elapsedMs: 2_000 }), false);
  assert.equal(givesUp({ attempts: 2, elapsedMs: 8_000 }), true);
  assert.equal(givesUp({ attempts: 3, elapsedMs: 0 }), true);
});

const SLOTS = ['a:1', 'b:1', 'c:1', 'd:1'];
const USERS = Array.from({ length: 2_000 }, (_, index) => String(index));
const well = (slot: string) => ({ slot, healthy: true, healthySince: null });

test('users are spread evenly, alike on every instance', () => {
  const counts = Map.groupBy(USERS, (user) => choosePlace(user, SLOTS.map(well), 0));
  for (const slot of SLOTS) assert.ok(Math.abs((counts.get(slot)?.length ?? 0) - 500) < 100, `${slot} is off`);
  assert.deepEqual(preferenceOrder('7', SLOTS), preferenceOrder('7', SLOTS.toReversed()));
});

test('only a dead runtime’s users move, and all runtimes share them', () => {
  const before = new Map(USERS.map((user) => [user, choosePlace(user, SLOTS.map(well), 0)]));
  const places = SLOTS.map((slot) => ({ ...well(slot), healthy: slot !== 'b:1' }));
  const moved = USERS.filter((user) => choosePlace(user, places, 0) !== before.get(user));
  assert.ok(moved.every((user) => before.get(user) === 'b:1'));
  assert.equal(moved.length, USERS.filter((user) => before.get(user) === 'b:1').length);
  assert.equal(new Set(moved.map((user) => choosePlace(user, places, 0))).size, 3);
});

test('users return to a recovered runtime once it has been well for a while', () => {
  const user = USERS.find((one) => preferenceOrder(one, SLOTS)[0] === 'b:1') ?? '';
  const places = SLOTS.map((slot) => ({ ...well(slot), healthySince: slot === 'b:1' ? 1_000 : null }));
  assert.notEqual(choosePlace(user, places, 1_000 + SETTLE_MS - 1), 'b:1');
  assert.equal(choosePlace(user, places, 1_000 + SETTLE_MS), 'b:1');
});

test('with nothing well the first choice is tried; with one just recovered, that', () => {
  const [first = '', second = ''] = preferenceOrder('7', SLOTS);
  const dead = SLOTS.map((slot) => ({ ...well(slot), healthy: false }));
  assert.equal(choosePlace('7', dead, 0), first);
  const one = dead.map((place) => (place.slot === second ? { ...place, healthy: true, healthySince: 0 } : place));
  assert.equal(choosePlace('7', one, 1), second);
  assert.throws(() => choosePlace('7', [], 0), /no place/);
});

test('directories of dead gateways are told from those of live ones', () => {
  const seen = { touched: 1_000, now: 2_000, host: 'here', pid: 7, isAlive: (pid: number) => pid === 8 };
  assert.equal(isAbandoned('here@8@aa', seen), false, 'a live neighbour');
  assert.equal(isAbandoned('here@9@aa', seen), true, 'a dead one');
  assert.equal(isAbandoned('here@7@aa', seen), true, 'ours of an earlier life: in a container pids come back');
  assert.equal(isAbandoned('there@9@aa', seen), false, 'another host’s, touched lately');
  assert.equal(isAbandoned('there@9@aa', { ...seen, now: 1_000 + 11 * 60_000 }), true, 'and long ago');
});
