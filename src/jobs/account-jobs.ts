/** Jobs about people's right to be here. The work itself is `auth/`'s; it is passed in. */
import type { Job, JobReport } from './job.ts';

export interface AccountWork {
  /** Checks organizations and users again when due, a few people at a time. */
  recheckDue(now: number, signal: AbortSignal): Promise<object>;
  /** Seals with the current key whatever is not. */
  reencryptAll(signal: AbortSignal): Promise<object>;
}

export function accountJobs(work: AccountWork): Job[] {
  return [
    {
      name: 'membership-recheck',
      everyMs: 60_000,
      run: async ({ now, signal }) => report(await work.recheckDue(now, signal)),
    },
    {
      name: 'credential-reencryption',
      everyMs: 24 * 3_600_000,
      // Keys are rotated by a restart: what is sealed with an old one is sealed anew right after it.
      atStart: true,
      run: async ({ signal }) => report(await work.reencryptAll(signal)),
    },
  ];
}

function report(counts: object): JobReport {
  return Object.fromEntries(Object.entries(counts).filter(([, value]) => typeof value === 'number'));
}
