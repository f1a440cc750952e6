/**
 * Who proved who they are within the last second. A page and a program ask many things at once: the store answers for the
 * first of them. What ends on this instance, or is heard to end on another, is forgotten at once; a lost notice costs the
 * second, of the five in which a revocation has to be felt.
 */
import type { Principal } from '../principal.ts';

interface Check {
  readonly principal: Principal;
  readonly at: number;
}

/** How long a check is good for, in milliseconds. */
const GOOD_MS = 1_000;
/** Proofs remembered at most; the oldest goes first. */
const MOST = 10_000;

export class RecentChecks {
  readonly #checks = new Map<string, Check>();
  #forgotten = 0;

  /** @param proof exactly what the request brought: a session's signed cookie, an API token */
  find(proof: string, now: number): Principal | null {
    const check = this.#checks.get(proof);
    if (check === undefined) return null;
    // A clock that was set back does not make a check last longer.
    if (now >= check.at && now - check.at < GOOD_MS) return check.principal;
    this.#checks.delete(proof);
    return null;
  }

  /** Call it before the store is asked. @returns keeps the outcome, unless something ended meanwhile */
  begin(proof: string, now: number): (principal: Principal) => void {
    const before = this.#forgotten;
    return (principal) => {
      if (this.#forgotten !== before) return;
      this.#checks.delete(proof);
      const oldest = this.#checks.size >= MOST ? this.#checks.keys().next().value : undefined;
      if (oldest !== undefined) this.#checks.delete(oldest);
      this.#checks.set(proof, { principal, at: now });
    };
  }

  /** Somebody's right ended. Rare, so everybody is asked again. */
  forget(): void {
    this.#forgotten += 1;
    this.#checks.clear();
  }
}
