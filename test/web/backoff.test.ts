import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoffMs } from '../../src/web/page/api/backoff.ts';

test('waits double from a quarter of a second to ten seconds', () => {
  assert.deepEqual(
    [0, 1, 2, 5, 6, 50].map((attempt) => backoffMs(attempt, 0.5)),
    [250, 500, 1000, 8000, 10_000, 10_000],
  );
});

test('tabs are spread by a quarter either way', () => {
  assert.equal(backoffMs(2, 0), 750);
  assert.equal(backoffMs(2, 1), 1250);
});

test('the gateway is never asked before the time it named', () => {
  assert.ok(backoffMs(0, 0, 5000) >= 5000);
  assert.equal(backoffMs(6, 0.5, 100), 10_000);
});
