/**
 * `npm run attack [-- --short] [--only <group>]`: the attacks of docs/security.md against a running gateway of its own (real
 * store, real runtimes, real HTTP; GitHub and the model are the stand-in). Prints attack → expected → got; exits 1 on a miss.
 */
import { parseArgs } from 'node:util';
import { startTestGateway } from '../test/support/gateway.ts';
import { OTHERS } from './attack-access.ts';
import { INPUT } from './attack-input.ts';
import { ENDURANCE } from './attack-runtime.ts';
import { SIGN_IN } from './attack-sign-in.ts';
import type { Attack, Target } from './attack-target.ts';

/** All of them; those that use up limits come last. */
export const ATTACKS: readonly Attack[] = [...SIGN_IN, ...OTHERS, ...INPUT, ...ENDURANCE];

export interface AttackResult {
  readonly group: string;
  readonly attack: string;
  readonly expected: string;
  readonly got: string;
  readonly ok: boolean;
}

/** Runs `chosen` one after the other against a gateway that it starts and stops. */
export async function runAttacks(chosen: readonly Attack[]): Promise<AttackResult[]> {
  // The attacks themselves must not hit the limit before their time; the last ones still do.
  const gateway = await startTestGateway({ env: { RATE_LIMIT_PER_MINUTE: '600' } });
  try {
    const { url, standIn, signIn } = gateway;
    const target: Target = { url, standIn, signIn, mona: await signIn('mona'), hubot: await signIn('hubot') };
    const results: AttackResult[] = [];
    for (const { group, attack, expected, run } of chosen) {
      const got = await run(target).catch((error: unknown) => `threw: ${String(error).slice(0, 120)}`);
      results.push({ group, attack, expected, got, ok: got === expected });
    }
    return results;
  } finally {
    await gateway.close();
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { short: { type: 'boolean', default: false }, only: { type: 'string' } } });
  const chosen = ATTACKS.filter(({ slow, group }) => !(values.short && slow) && (values.only ?? group) === group);
  const results = await runAttacks(chosen);
  console.table(results.map(({ ok, ...row }) => ({ ...row, ok: ok ? 'ok' : 'MISS' })));
  const misses = results.filter(({ ok }) => !ok).length;
  console.log(
    misses === 0
      ? `${results.length} attacks, none got through.`
      : `${misses} of ${results.length} attacks got through.`,
  );
  process.exit(misses === 0 ? 0 : 1);
}
