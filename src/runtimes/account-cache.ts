/**
 * Models and quota of each user, asked of the runtime once for all who want to know, kept for a while. Failures are not
 * kept. Memory is bounded: the oldest answers go first.
 */
interface Kept<T> {
  readonly until: number;
  readonly answer: Promise<T>;
}

const MOST = 2_000;

export class AccountCache<T> {
  readonly #kept = new Map<string, Kept<T>>();
  readonly #ttl: number;
  readonly #clock: () => number;

  constructor(ttl: number, clock: () => number) {
    this.#ttl = ttl;
    this.#clock = clock;
  }

  /** The kept answer for `key`, or the one `fetch` brings. */
  get(key: string, fetch: () => Promise<T>): Promise<T> {
    const now = this.#clock();
    const known = this.#kept.get(key);
    if (known && known.until > now) return known.answer;
    const kept: Kept<T> = { until: now + this.#ttl, answer: fetch() };
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    kept.answer.catch(() => {
      if (this.#kept.get(key) === kept) this.#kept.delete(key);
    });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MOST && oldest !== undefined) this.#kept.delete(oldest);
    return kept.answer;
  }

  /** Forgets what begins with `prefix`. */
  forget(prefix: string): void {
    for (const key of this.#kept.keys()) if (key.startsWith(prefix)) this.#kept.delete(key);
  }
}
