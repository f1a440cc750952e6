/** When a job is due: pure functions of values. */

/** A failed run is tried again after this, doubled with every failure up to the job's own interval; milliseconds. */
const RETRY_MS = 30_000;

/** `span` moved by up to a tenth either way, so that instances and jobs do not all wake at once. `random` is in [0, 1). */
export function jittered(span: number, random: number): number {
  return Math.round(span * (0.9 + 0.2 * random));
}

/** When an instance first looks at a job: soon, but spread, so that a start is not the moment everything runs. */
export function firstLook(now: number, everyMs: number, random: number): number {
  return now + Math.round(Math.min(everyMs, 60_000) * random);
}

/** When the next run is due after one that ended at `now`. `failures` in a row, this one included; 0: it went well. */
export function nextDue(now: number, everyMs: number, failures: number, random: number): number {
  if (failures === 0) return now + jittered(everyMs, random);
  return now + jittered(Math.min(everyMs, RETRY_MS * 2 ** Math.min(failures - 1, 10)), random);
}
