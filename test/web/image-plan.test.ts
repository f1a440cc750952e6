import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IMAGE_BUDGET, MOST_IMAGES, planImage } from '../../src/web/page/model/image-plan.ts';

const photo = { type: 'image/jpeg', bytes: 5_000_000, width: 4000, height: 3000 };
const none = { bytes: 0, count: 0 };

test('a small image is sent as it is', () => {
  assert.deepEqual(planImage({ ...photo, bytes: 100_000 }, none), { kind: 'keep' });
});

test('a photo is made smaller, step by step, never larger, its shape kept', () => {
  const plan = planImage(photo, none);
  assert.equal(plan.kind, 'shrink');
  const steps = plan.kind === 'shrink' ? plan.steps : [];
  assert.ok(steps.length > 1);
  for (const { width, height, quality } of steps) {
    assert.ok(Math.max(width, height) <= 1568);
    assert.ok(Math.abs(width / height - 4 / 3) < 0.01);
    assert.ok(quality > 0 && quality < 1);
  }
  const small = planImage({ ...photo, width: 300, height: 200 }, none);
  assert.deepEqual(small.kind === 'shrink' ? small.steps[0] : null, { width: 300, height: 200, quality: 0.86 });
});

test('images share the room of one message', () => {
  assert.equal(planImage({ ...photo, bytes: 300_000 }, { bytes: 500_000, count: 1 }).kind, 'shrink');
  assert.deepEqual(planImage(photo, { bytes: IMAGE_BUDGET - 1000, count: 2 }), { kind: 'refuse', reason: 'room' });
  assert.deepEqual(planImage({ ...photo, bytes: 10 }, { bytes: 0, count: MOST_IMAGES }), {
    kind: 'refuse',
    reason: 'count',
  });
});

test('what no model can see is refused', () => {
  assert.deepEqual(planImage({ ...photo, type: 'image/svg+xml' }, none), { kind: 'refuse', reason: 'type' });
});

test('the room in base64 fits into a body of the gateway', () => {
  assert.ok((IMAGE_BUDGET * 4) / 3 < 1024 * 1024 - 60_000);
});
