/**
 * Runs the table of jobs: one timer, one job at a time in this process, each run once for all instances (the store's row is
 * the lock). A run that fails is logged and tried again; nothing it throws goes further.
 */
import type { JobRunRepository } from '../store/operations.ts';
import type { Job, JobReport } from './job.ts';
import { firstLook, jittered, nextDue } from './job-schedule.ts';

export interface JobSchedulerParts {
  readonly jobs: readonly Job[];
  readonly runs: JobRunRepository;
  /** Names this process among the instances. */
  readonly instanceId: string;
  readonly logger: {
    debug(details: object, message: string): void;
    info(details: object, message: string): void;
    warn(details: object, message: string): void;
    error(details: object, message: string): void;
  };
  readonly clock: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  /** For metrics. */
  readonly onRun?: (run: { job: string; outcome: 'ok' | 'failed'; ms: number }) => void;
}

/** A run may last so long; the lock outlives it, so that a hung one is not run twice. Milliseconds. */
const RUN_MS = 10 * 60_000;
const LOCK_MS = RUN_MS + 60_000;

/** Between two looks at what is due, in milliseconds. */
const BEAT_MS = 1_000;

/** At most so long until this instance looks again at a job that another one ran, in milliseconds. */
const LOOK_MS = 60_000;

interface Slot {
  readonly job: Job;
  /** When this instance looks at the job next. */
  lookAt: number;
  /** Runs even though the cluster's own interval is not over. */
  force: boolean;
  failures: number;
}

export class JobScheduler {
  readonly #parts: JobSchedulerParts;
  readonly #slots: readonly Slot[];
  readonly #stop = new AbortController();
  #timer: NodeJS.Timeout | null = null;
  #round: Promise<void> | null = null;

  constructor(parts: JobSchedulerParts) {
    this.#parts = parts;
    const now = parts.clock();
    this.#slots = parts.jobs.map((job) => ({
      job,
      lookAt: job.atStart === true ? now : firstLook(now, job.everyMs, parts.random()),
      force: job.atStart === true,
      failures: 0,
    }));
  }

  get names(): string[] {
    return this.#slots.map(({ job }) => job.name);
  }

  /** Counterpart of {@link stop}. Keeps no process alive. */
  start(): void {
    this.#timer ??= setInterval(() => void this.runDue(), BEAT_MS).unref();
  }

  /** Ends the timer, aborts the run under way and waits until it is over. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#stop.abort(new Error('The gateway is stopping'));
    await this.#round;
  }

  /** Runs what is due now, unless a round is under way. Never rejects. */
  runDue(): Promise<void> {
    this.#round ??= this.#runAll().finally(() => {
      this.#round = null;
    });
    return this.#round;
  }

  /** Makes a job run at the next beat, on this instance. False: there is no such job. */
  request(name: string): boolean {
    const slot = this.#slots.find(({ job }) => job.name === name);
    if (slot === undefined) return false;
    slot.lookAt = this.#parts.clock();
    slot.force = true;
    return true;
  }

  async #runAll(): Promise<void> {
    for (const slot of this.#slots) {
      if (this.#stop.signal.aborted) return;
      if (slot.lookAt <= this.#parts.clock()) await this.#look(slot);
    }
  }

  async #look(slot: Slot): Promise<void> {
    const { runs, instanceId, clock, random, logger } = this.#parts;
    const { name, everyMs } = slot.job;
    const now = clock();
    // Set first, so that a store that is away is not asked again at every beat.
    slot.lookAt = now + jittered(Math.min(everyMs, LOOK_MS), random());
    try {
      const { force } = slot;
      const mine = await runs.claim({ name, owner: instanceId, now, lockedUntil: now + LOCK_MS, force });
      if (mine) await this.#run(slot, now);
    } catch (error) {
      logger.warn({ err: error, job: name }, 'a job could not be taken or given back in the store');
    }
  }

  async #run(slot: Slot, now: number): Promise<void> {
    const { runs, instanceId, clock, random, onRun } = this.#parts;
    const { job } = slot;
    const outcome = await this.#attempt(job, now);
    if (outcome === null) {
      // Stopped in the middle: due at once, for whoever is there.
      await runs.end({
        name: job.name,
        owner: instanceId,
        now: clock(),
        dueAt: 0,
        outcome: 'failed',
        detail: 'stopped',
      });
      return;
    }
    slot.force = false;
    slot.failures = outcome.ok ? 0 : slot.failures + 1;
    const ended = clock();
    const dueAt = nextDue(ended, job.everyMs, slot.failures, random());
    slot.lookAt = dueAt;
    onRun?.({ job: job.name, outcome: outcome.ok ? 'ok' : 'failed', ms: ended - now });
    const { detail } = outcome;
    const [owner, name] = [instanceId, job.name];
    await runs.end({ name, owner, now: ended, dueAt, outcome: outcome.ok ? 'ok' : 'failed', detail });
  }

  /** Null: the gateway is stopping. */
  async #attempt(job: Job, now: number): Promise<{ ok: boolean; detail: string } | null> {
    const { logger, clock } = this.#parts;
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(RUN_MS)]);
    try {
      const report = await job.run({ now, signal });
      const level = isIdle(report) ? 'debug' : 'info';
      logger[level]({ job: job.name, ms: clock() - now, ...report }, 'a job is done');
      return { ok: true, detail: JSON.stringify(report) };
    } catch (error) {
      if (this.#stop.signal.aborted) return null;
      logger.error({ err: error, job: job.name }, 'a job failed and will be tried again');
      return { ok: false, detail: error instanceof Error ? error.name : 'Error' };
    }
  }
}

function isIdle(report: JobReport): boolean {
  return Object.values(report).every((value) => value === 0 || value === false);
}
