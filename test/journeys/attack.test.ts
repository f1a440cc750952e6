/** The short form of `npm run attack`: every attack that takes no long breath. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { ATTACKS, type AttackResult, runAttacks } from '../../scripts/attack.ts';

const SHORT = ATTACKS.filter(({ slow }) => slow !== true);

describe('An attacker', () => {
  let results: AttackResult[] = [];
  before(async () => {
    results = await runAttacks(SHORT);
  });
  for (const { group, attack, expected } of SHORT) {
    it(`gets nowhere by ${group}: ${attack}`, () => {
      assert.equal(results.find((result) => result.attack === attack)?.got, expected);
    });
  }
});
