/**
 * One clock for all instances: the database's. An instance whose machine is minutes off would otherwise declare others dead,
 * or keep a dead one's turns alive. Between two looks it runs on by this machine's monotonic clock, which nobody sets.
 */
import { performance } from 'node:perf_hooks';

/** What the clock is made of. */
export interface DatabaseClockParts {
  /** The database's time, ms since the epoch. */
  readonly time: () => Promise<number>;
  readonly logger: { warn(details: object, message: string): void };
}

/** Between two looks at the database, in milliseconds. */
const LOOK_MS = 10_000;
/** An answer that took longer says too little about when it was given. */
const LONGEST_TRIP_MS = 1_000;
/** Smaller differences are those of the trip, and the clock goes on undisturbed. */
const TOLERANCE_MS = 20;

export class DatabaseClock {
  readonly #parts: DatabaseClockParts;
  readonly #timer: NodeJS.Timeout;
  #looking = false;
  /** The database's time when ours was {@link #since}. */
  #at: number;
  #since: number;

  private constructor(parts: DatabaseClockParts, at: number, since: number) {
    this.#parts = parts;
    this.#at = at;
    this.#since = since;
    this.#timer = setInterval(() => void this.#look(), LOOK_MS).unref();
  }

  /** @throws GatewayError `store_unavailable` */
  static async open(parts: DatabaseClockParts): Promise<DatabaseClock> {
    const { at, since } = await ask(parts.time);
    return new DatabaseClock(parts, at, since);
  }

  /** Milliseconds since the epoch. */
  readonly now = (): number => Math.floor(this.#at + performance.now() - this.#since);

  close(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const { at, since, tripMs } = await ask(this.#parts.time);
      const off = at - (this.#at + since - this.#since);
      if (tripMs > LONGEST_TRIP_MS || Math.abs(off) <= TOLERANCE_MS) return;
      [this.#at, this.#since] = [at, since];
    } catch (error) {
      this.#parts.logger.warn({ err: error }, 'the database could not be asked for the time');
    } finally {
      this.#looking = false;
    }
  }
}

/** `at`: the database's time when ours was `since`, on the assumption that both ways took as long. */
async function ask(time: () => Promise<number>): Promise<{ at: number; since: number; tripMs: number }> {
  const asked = performance.now();
  const told = await time();
  const since = performance.now();
  return { at: told + (since - asked) / 2, since, tripMs: since - asked };
}
