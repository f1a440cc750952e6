/** What a job is: work that nobody asked for, done in small steps, once for all instances together. */

/** What a run came to, for the log and the admin API: counts, never names. */
export type JobReport = Readonly<Record<string, number | boolean>>;

/** What a run is given. */
export interface JobRun {
  /** Milliseconds since the epoch at the start of the run. */
  readonly now: number;
  /** Aborts when the gateway stops or the run has lasted too long. Whoever does not heed it may be run twice. */
  readonly signal: AbortSignal;
}

/** One row of the table of jobs. */
export interface Job {
  /** Stable: the store knows it by this name. */
  readonly name: string;
  /** From the end of one run to the next, in milliseconds; each is moved by up to a tenth. */
  readonly everyMs: number;
  /** Runs when an instance starts, however short ago it last ran. */
  readonly atStart?: boolean;
  /** @throws whatever went wrong: the scheduler logs it and tries again */
  run(run: JobRun): Promise<JobReport>;
}
