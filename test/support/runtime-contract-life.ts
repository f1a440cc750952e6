import { deathContract } from './runtime-contract-deaths.ts';
import type { Contract } from './runtime-contract-parts.ts';
import { payContract, swarmContract } from './runtime-contract-payers.ts';
import { processContract } from './runtime-contract-processes.ts';
import type { Arrangement } from './runtime-ground.ts';

/** Processes and connections: their death, their end, their number. */
export function lifeContract(arrangement: Arrangement, given: Contract): void {
  deathContract(given);
  if (arrangement === 'isolated' || arrangement === 'shared') {
    processContract(arrangement, given);
  }
  swarmContract(given);
  payContract(given);
}
