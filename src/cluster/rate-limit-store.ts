/** The shared counts in the shape that @fastify/rate-limit asks of a store (11.2: a class, with `incr`, `read` and `child`). */
import type { SharedCounts, Standing } from './shared-counts.ts';

type Tell = (error: Error | null, standing?: Standing) => void;

/** What @fastify/rate-limit calls. */
export interface RateLimitStore {
  incr(key: string, tell: Tell, windowMs: number): void;
  read(key: string, tell: Tell, windowMs: number): void;
  child(): RateLimitStore;
}

/** What @fastify/rate-limit takes as its option `store`. */
export type RateLimitStoreClass = new () => RateLimitStore;

/** A store whose limits all count in `counts`: their keys differ by what they are (user, address, failures of an address). */
export function rateLimitStore(counts: SharedCounts): RateLimitStoreClass {
  return class SharedStore implements RateLimitStore {
    incr(key: string, tell: Tell, windowMs: number): void {
      tell(null, counts.count(key, windowMs));
    }

    read(key: string, tell: Tell, windowMs: number): void {
      tell(null, counts.look(key, windowMs));
    }

    child(): RateLimitStore {
      return new SharedStore();
    }
  };
}
