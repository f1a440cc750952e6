/** A deploy of both gateways, one after the other, while people chat: nobody notices but by a stream that comes back. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { rollingDeploy } from '../../scripts/rolling-deploy.ts';

it('A rolling deploy fails no request, and loses and doubles nothing', { timeout: 180_000 }, async () => {
  const figures = await rollingDeploy({ rounds: 1, people: 2 });
  assert.deepEqual(figures.evidence, []);
  assert.deepEqual([figures.failed, figures.gaps, figures.doubled, figures.lost], [0, 0, 0, 0]);
  assert.ok(figures.turns > 0 && figures.reconnects > 0, JSON.stringify(figures));
});
