/** Sign-ins under way in one browser: kept in its session, each good for one callback within ten minutes (D3). */
import { type PendingSignIn, SIGN_IN_MS } from './session-store.ts';

/** As many tabs of one browser may be signing in at once; the oldest gives way. */
const AT_ONCE = 5;

/** The list with one more. Pure. */
export function withPending(list: readonly PendingSignIn[], added: PendingSignIn): PendingSignIn[] {
  return [...fresh(list, added.startedAt), added].slice(-AT_ONCE);
}

/** The one that `state` belongs to, and the list without it; null: none, or too old. Pure. */
export function takePending(
  list: readonly PendingSignIn[],
  state: string,
  now: number,
): { pending: PendingSignIn; rest: PendingSignIn[] } | null {
  const pending = fresh(list, now).find((candidate) => candidate.state === state);
  if (pending === undefined || pending.verifier === '') return null;
  return { pending, rest: fresh(list, now).filter((candidate) => candidate !== pending) };
}

function fresh(list: readonly PendingSignIn[], now: number): PendingSignIn[] {
  return list.filter(({ startedAt }) => now - startedAt < SIGN_IN_MS && startedAt <= now);
}

/**
 * States that a callback has used. Two callbacks at the same moment both read the session before either writes it: this
 * is what lets one of them through. On another instance GitHub's code, which is single-use, decides.
 */
export class UsedStates {
  readonly #used = new Map<string, number>();

  /** False: it was claimed before. */
  claim(state: string, now: number): boolean {
    for (const [old, at] of this.#used) {
      if (now - at < SIGN_IN_MS) break; // in order of time
      this.#used.delete(old);
    }
    if (this.#used.has(state)) return false;
    this.#used.set(state, now);
    return true;
  }
}
