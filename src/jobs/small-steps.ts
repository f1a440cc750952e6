import { setImmediate as nextTurn } from 'node:timers/promises';

/** Rows touched at once: bounds how long others wait for the write lock. */
const STEP = 200;

/** Steps of one run; what is left waits for the next, so that no job holds up the others for long. */
const MOST_STEPS = 500;

/**
 * Does `step` again and again until it finds less than it was allowed to do. Everyone else gets a turn in between.
 * @returns how much was done
 */
export async function inSmallSteps(
  signal: AbortSignal,
  step: (limit: number) => Promise<number>,
  limit: number = STEP,
): Promise<number> {
  let total = 0;
  for (let steps = 0; steps < MOST_STEPS; steps += 1) {
    signal.throwIfAborted();
    const done = await step(limit);
    total += done;
    if (done < limit) break;
    await nextTurn();
  }
  return total;
}
