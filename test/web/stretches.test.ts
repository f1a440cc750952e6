import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TurnGroup } from '../../src/web/page/model/message-order.ts';
import { inStretches, LONGEST_STRETCH, type Stretch } from '../../src/web/page/model/stretches.ts';

const turns = (from: number, to: number): TurnGroup[] =>
  Array.from({ length: to - from + 1 }, (_, index) => {
    const key = `t${from + index}`;
    return { key, turnId: key, questions: [], answer: null };
  });
const keysOf = (stretches: readonly Stretch[]) => stretches.flatMap(({ groups }) => groups.map(({ key }) => key));
const homeOf = (stretches: readonly Stretch[], turn: string) =>
  stretches.find(({ groups }) => groups.some(({ key }) => key === turn))?.key;

test('every turn stands once and in order, in stretches that are not too long', () => {
  const all = turns(1, 2 * LONGEST_STRETCH + 3);
  const stretches = inStretches(all, []);
  assert.deepEqual(
    keysOf(stretches),
    all.map(({ key }) => key),
  );
  assert.equal(stretches.length, 3);
  assert.ok(stretches.every(({ groups }) => groups.length <= LONGEST_STRETCH));
});

test('older turns come in above without moving any turn to another stretch', () => {
  const all = turns(1, 60);
  let stretches = inStretches(all.slice(50), []);
  const homes = new Map<string, string | undefined>();
  for (let from = 46; from >= 0; from -= 4) {
    for (const key of keysOf(stretches)) homes.set(key, homeOf(stretches, key));
    const last = stretches.at(-1);
    stretches = inStretches(all.slice(from), stretches);
    for (const [key, home] of homes) assert.equal(homeOf(stretches, key), home, `${key} moved`);
    assert.equal(stretches.at(-1), last, 'what did not change is the same object');
    assert.equal(new Set(stretches.map(({ key }) => key)).size, stretches.length);
  }
  assert.deepEqual(keysOf(stretches).length, 58);
  assert.ok(stretches.every(({ groups }) => groups.length <= LONGEST_STRETCH));
});

test('a new turn joins the last stretch until that is full', () => {
  const first = inStretches(turns(1, LONGEST_STRETCH - 1), []);
  const joined = inStretches(turns(1, LONGEST_STRETCH), first);
  assert.equal(joined.length, 1);
  const more = inStretches(turns(1, LONGEST_STRETCH + 1), joined);
  assert.deepEqual([more.length, more[0]], [2, joined[0]]);
});

test('turns that are taken away and come back stand where they stood', () => {
  const all = turns(1, 25);
  const before = inStretches(all, []);
  const fewer = inStretches(all.slice(0, 13), before);
  assert.equal(keysOf(fewer).length, 13);
  const again = inStretches(all, fewer);
  assert.deepEqual(
    keysOf(again),
    all.map(({ key }) => key),
  );
  assert.equal(homeOf(again, 't14'), homeOf(before, 't14'));
});
