/** The budget of a person and day, as a policy. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { UsageSum } from '../../src/store/store.ts';
import { budgetRefusal, dayAt } from '../../src/turns/budget.ts';

const NOON = Date.parse('2026-01-31T12:00:00Z');

function used(requests: number, tokens = 0): UsageSum {
  return { requests, turns: requests, inputTokens: tokens, outputTokens: 0, cachedTokens: 0, cost: 0 };
}

describe('A budget', () => {
  it('of nothing refuses nothing', () => {
    const budget = { tokensPerDay: 0, requestsPerDay: 0 };
    assert.equal(budgetRefusal(budget, used(1e6, 1e9), 100, NOON), null);
  });

  it('of requests counts those that are made and those that are going', () => {
    const budget = { tokensPerDay: 0, requestsPerDay: 3 };
    assert.equal(budgetRefusal(budget, used(2), 0, NOON), null);
    assert.equal(budgetRefusal(budget, used(0), 2, NOON), null);
    assert.equal(budgetRefusal(budget, used(2), 1, NOON)?.code, 'quota_exceeded');
    assert.equal(budgetRefusal(budget, used(3), 0, NOON)?.code, 'quota_exceeded');
  });

  it('of tokens reserves for each that is going what a request of the day took', () => {
    const budget = { tokensPerDay: 10_000, requestsPerDay: 0 };
    assert.equal(budgetRefusal(budget, used(2, 6_000), 1, NOON), null);
    assert.equal(budgetRefusal(budget, used(2, 6_000), 2, NOON)?.code, 'quota_exceeded');
    assert.equal(budgetRefusal(budget, used(0, 0), 9, NOON), null);
    assert.equal(budgetRefusal(budget, used(0, 0), 10, NOON)?.code, 'quota_exceeded');
  });

  it('says when the next day begins', () => {
    const refusal = budgetRefusal({ tokensPerDay: 1, requestsPerDay: 0 }, used(1, 1), 0, NOON);
    assert.equal(refusal?.retryAfter, 12 * 3_600);
    assert.deepEqual(dayAt(NOON), { from: NOON - 12 * 3_600_000, to: NOON + 12 * 3_600_000 });
  });
});
