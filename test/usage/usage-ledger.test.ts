import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type DatabaseLocation, openStore } from '../../src/store/open-store.ts';
import type { UsageRecord } from '../../src/store/records.ts';
import type { Store } from '../../src/store/store.ts';
import { dayOf, readSpan } from '../../src/usage/usage-span.ts';
import { newId } from '../../src/wire/ids.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';

const DAY = 86_400_000;
const START = Date.UTC(2026, 0, 10);

function call(changes: Partial<UsageRecord>): UsageRecord {
  return {
    ...{ id: newId(), turnId: null, chatId: null, userId: '1001', model: 'gpt-5.4' },
    ...{ inputTokens: 100, outputTokens: 10, cachedTokens: 5, cost: 1, createdAt: START },
    ...changes,
  };
}

const CALLS = [
  // One turn that took two model calls, just before midnight and just after.
  call({ turnId: 't1', chatId: 'c1', createdAt: START + DAY - 1 }),
  call({ turnId: 't1', chatId: 'c1', createdAt: START + DAY, cost: null }),
  call({ turnId: 't2', chatId: 'c2', createdAt: START + DAY, model: 'gpt-5-mini', cost: 0.33 }),
  call({ createdAt: START + 2 * DAY, model: null, inputTokens: 3_000_000_000 }),
  call({ createdAt: START, userId: '1002', inputTokens: 7 }),
];

for (const engine of ['sqlite', 'postgres'] as const) {
  describe(`the ledger on ${engine}`, () => {
    let server: PostgresServer | null = null;
    let store: Store;
    before(async () => {
      server = engine === 'postgres' ? await startPostgres() : null;
      const location: DatabaseLocation =
        server === null
          ? { kind: 'sqlite', path: ':memory:' }
          : { kind: 'postgres', url: await server.createDatabase() };
      store = await openStore(location);
      for (const id of ['1001', '1002'])
        await store.users.upsert({ id, login: id, name: null, avatarUrl: null, now: 0 });
      await store.usage.add(CALLS);
    });
    after(async () => {
      await store.close();
      await server?.close();
    });
    const all = { from: START, to: START + 10 * DAY };

    it('sums up all calls of the person and nobody else', async () => {
      const { cost, ...whole } = await store.usage.sum('1001', all);
      assert.deepEqual(whole, {
        ...{ requests: 4, turns: 2, inputTokens: 3_000_000_300, outputTokens: 40, cachedTokens: 20 },
      });
      assert.ok(Math.abs(cost - 2.33) < 1e-9);
      assert.equal((await store.usage.sum('1002', all)).inputTokens, 7);
      const nothing = await store.usage.sum('1003', all);
      assert.deepEqual(nothing, {
        ...{ requests: 0, turns: 0, inputTokens: 0, outputTokens: 0, cachedTokens: 0, cost: 0 },
      });
    });

    it('keeps days apart by UTC, the latest first', async () => {
      const days = await store.usage.grouped('1001', { ...all, by: 'day', limit: 10 });
      assert.deepEqual(
        days.map(({ key, requests, turns }) => [dayOf(Number(key)), requests, turns]),
        [
          ['2026-01-12', 1, 0],
          ['2026-01-11', 2, 2],
          ['2026-01-10', 1, 1],
        ],
      );
      const latest = await store.usage.grouped('1001', { ...all, by: 'day', limit: 1 });
      assert.deepEqual(latest, days.slice(0, 1));
    });

    it('groups by model and by chat; calls without one are a group too', async () => {
      const keys = async (by: 'model' | 'chat') =>
        Object.fromEntries(
          (await store.usage.grouped('1001', { ...all, by, limit: 10 })).map(({ key, requests }) => [key, requests]),
        );
      assert.deepEqual(await keys('model'), { 'gpt-5.4': 2, 'gpt-5-mini': 1, null: 1 });
      assert.deepEqual(await keys('chat'), { c1: 2, c2: 1, null: 1 });
    });

    it('takes the beginning of the span in and leaves its end out', async () => {
      const from = START + DAY;
      assert.equal((await store.usage.sum('1001', { from, to: from + 1 })).requests, 2);
      assert.equal((await store.usage.sum('1001', { from: START, to: from })).requests, 1);
    });
  });
}

describe('a span of usage', () => {
  const now = Date.UTC(2026, 5, 15, 12);

  it('is the last 30 days unless told', () => {
    const span = readSpan(undefined, undefined, now);
    assert.equal(span.to, now + 1);
    assert.equal(span.to - span.from, 30 * DAY);
  });

  it('takes days and moments', () => {
    assert.deepEqual(readSpan('2026-01-01', '2026-02-01T00:00:00+01:00', now), {
      from: Date.UTC(2026, 0, 1),
      to: Date.UTC(2026, 0, 31, 23),
    });
  });

  for (const [from, to] of [
    ['yesterday', undefined],
    ['2026-02-30', '2026-03-05'],
    ['2026-13-01', undefined],
    ['2026-01-01T10:00', undefined],
    ['2026-02-01', '2026-01-01'],
    ['2026-01-01', '2026-01-01'],
    ['2024-01-01', '2026-01-01'],
    ['', undefined],
  ] as const) {
    it(`is refused from ${JSON.stringify(from)} to ${JSON.stringify(to)}`, () => {
      assert.throws(() => readSpan(from, to, now), { code: 'validation_failed' });
    });
  }
});
