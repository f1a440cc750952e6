/**
 * Requests counted by all instances together. Each counts in its memory, so that no request waits for it, and twice a second
 * puts its part into the database and takes the sum from there: a caller who spreads over instances gains at most what they
 * take in that time.
 */
import type { RateCount, RateCountRepository } from '../store/rate-counts.ts';

/** What counting needs. */
export interface SharedCountsParts {
  readonly counts: RateCountRepository;
  readonly logger: { warn(details: object, message: string): void };
  /** The same on all instances. */
  readonly clock: () => number;
}

/** How a caller stands in the present window; `ttl`: its milliseconds left. */
export interface Standing {
  readonly current: number;
  readonly ttl: number;
}

interface Entry {
  windowAt: number;
  /** The sum that the database told, with what we had put in. */
  shared: number;
  /** Not yet in that sum. */
  fresh: number;
}

const EXCHANGE_MS = 500;
/** Rows of one statement. */
const STEP = 2_000;
/** Callers of one window that are counted; beyond it somebody invents addresses, and the database is spared. */
const MOST_CALLERS = 100_000;
/** Windows are forgotten this long after they began, ms; by each instance once in as long. */
const FORGET_MS = 180_000;

export class SharedCounts {
  readonly #parts: SharedCountsParts;
  readonly #entries = new Map<string, Entry>();
  readonly #dirty = new Set<string>();
  readonly #timer: NodeJS.Timeout;
  #exchanging = false;
  #forgotAt: number;

  constructor(parts: SharedCountsParts) {
    this.#parts = parts;
    this.#forgotAt = parts.clock();
    this.#timer = setInterval(() => void this.#exchange(), EXCHANGE_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Counts one request of `key`. */
  count(key: string, windowMs: number): Standing {
    const now = this.#parts.clock();
    const windowAt = now - (now % windowMs);
    let entry = this.#entries.get(key);
    if (entry?.windowAt !== windowAt) {
      entry = { windowAt, shared: 0, fresh: 0 };
      if (this.#entries.size < MOST_CALLERS || this.#entries.has(key)) this.#entries.set(key, entry);
    }
    entry.fresh += 1;
    this.#dirty.add(key);
    return { current: entry.shared + entry.fresh, ttl: windowAt + windowMs - now };
  }

  /** As {@link count}, without counting. */
  look(key: string, windowMs: number): Standing {
    const now = this.#parts.clock();
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.windowAt + windowMs <= now) return { current: 0, ttl: 0 };
    return { current: entry.shared + entry.fresh, ttl: entry.windowAt + windowMs - now };
  }

  async #exchange(): Promise<void> {
    if (this.#exchanging) return;
    this.#exchanging = true;
    try {
      for (let part = this.#part(); part.length > 0; part = part.length < STEP ? [] : this.#part()) {
        await this.#put(part);
      }
      await this.#forget();
    } catch (error) {
      this.#parts.logger.warn({ err: error }, 'requests are counted by this instance alone for the moment');
    } finally {
      this.#exchanging = false;
    }
  }

  #part(): RateCount[] {
    const part: RateCount[] = [];
    for (const key of this.#dirty) {
      this.#dirty.delete(key);
      const entry = this.#entries.get(key);
      if (entry !== undefined && entry.fresh > 0) part.push({ key, windowAt: entry.windowAt, count: entry.fresh });
      if (part.length === STEP) break;
    }
    return part;
  }

  async #put(part: readonly RateCount[]): Promise<void> {
    try {
      const sums = new Map((await this.#parts.counts.add(part)).map((sum) => [sum.key, sum]));
      for (const { key, windowAt, count } of part) {
        const entry = this.#entries.get(key);
        const sum = sums.get(key);
        if (entry?.windowAt !== windowAt || sum === undefined) continue;
        entry.shared = sum.count;
        entry.fresh -= count;
      }
    } catch (error) {
      for (const { key } of part) this.#dirty.add(key);
      throw error;
    }
  }

  async #forget(): Promise<void> {
    const now = this.#parts.clock();
    if (now - this.#forgotAt < FORGET_MS) return;
    this.#forgotAt = now;
    for (const [key, { windowAt }] of this.#entries) if (now - windowAt > FORGET_MS) this.#entries.delete(key);
    await this.#parts.counts.deleteOld(now - FORGET_MS);
  }
}
