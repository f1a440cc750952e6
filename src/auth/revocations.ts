/**
 * Tells long-lived work that the right it began with is gone: streams end within seconds of a sign-out, a block or the end
 * of an API token. Within this instance it is told at once by `emit`; across instances `sweep` asks the store.
 */
import type { EventEmitter } from 'node:events';
import { GatewayError } from '../errors.ts';
import type { Principal } from '../principal.ts';

/** Whose right ended: one web session, one API token, or without either everything of the user. */
export interface Revoked {
  readonly userId: string;
  readonly sessionId?: string;
  readonly tokenId?: string;
}

/** What ends the interest in a principal: a signal, or anything that emits `close` (a response, a stream). */
export type Until = AbortSignal | (Pick<EventEmitter, 'once' | 'off'> & { readonly destroyed?: boolean });

interface Watch {
  readonly principal: Principal;
  readonly abort: AbortController;
  readonly release: () => void;
}

/** Who listens, by user. */
export class Revocations {
  readonly #watches = new Map<string, Set<Watch>>();
  readonly #onEnd: () => void;
  #tellOthers: (revoked: Revoked) => void = () => undefined;

  /** @param onEnd is told of every end first: what was known of anyone's rights may be wrong now */
  constructor(onEnd: () => void = () => undefined) {
    this.#onEnd = onEnd;
  }

  /** From now on `tell` hears what ends on this instance, to tell others; they call {@link heard}. */
  shareWith(tell: (revoked: Revoked) => void): void {
    this.#tellOthers = tell;
  }

  /**
   * Aborts when the right of `principal` ends. Whoever asks says with `until` when the interest is over (for a route:
   * `reply.raw`); nothing is kept after that.
   */
  signalFor(principal: Principal, until: Until): AbortSignal {
    const abort = new AbortController();
    if (isOver(until)) return abort.signal;
    const release = () => {
      this.#forget(watch);
      if (until instanceof AbortSignal) until.removeEventListener('abort', release);
      else until.off('close', release);
    };
    const watch: Watch = { principal, abort, release };
    const watches = this.#watches.get(principal.userId) ?? new Set();
    this.#watches.set(principal.userId, watches.add(watch));
    if (until instanceof AbortSignal) until.addEventListener('abort', release, { once: true });
    else until.once('close', release);
    return abort.signal;
  }

  /** Ends what leans on the right that ended, here and on other instances. */
  emit(revoked: Revoked): void {
    this.heard(revoked);
    this.#tellOthers(revoked);
  }

  /** Ends what leans here on a right that ended, here or elsewhere. */
  heard(revoked: Revoked): void {
    this.#onEnd();
    for (const watch of [...(this.#watches.get(revoked.userId) ?? [])]) {
      if (matches(watch.principal, revoked)) end(watch);
    }
  }

  /** Asks about everyone who is being watched, once per session or token, and ends what is no longer valid. */
  async sweep(isValid: (principal: Principal) => Promise<boolean>): Promise<void> {
    const verdicts = new Map<string, boolean>();
    for (const watch of [...this.#watches.values()].flatMap((watches) => [...watches])) {
      const { userId, proof } = watch.principal;
      const key = `${userId} ${proof.kind === 'session' ? proof.sessionId : proof.tokenId}`;
      const valid = verdicts.get(key) ?? (await isValid(watch.principal));
      verdicts.set(key, valid);
      if (!valid) end(watch);
    }
  }

  /** How many are watched now. */
  get size(): number {
    return [...this.#watches.values()].reduce((sum, watches) => sum + watches.size, 0);
  }

  #forget(watch: Watch): void {
    const { userId } = watch.principal;
    const watches = this.#watches.get(userId);
    watches?.delete(watch);
    if (watches?.size === 0) this.#watches.delete(userId);
  }
}

/** Whether the interest ended before anyone was asked to watch: nothing will tell of it again. */
function isOver(until: Until): boolean {
  return until instanceof AbortSignal ? until.aborted : until.destroyed === true;
}

function end(watch: Watch): void {
  watch.release();
  watch.abort.abort(new GatewayError('unauthenticated', 'Your sign-in has ended. Sign in again.'));
}

function matches({ proof }: Principal, { sessionId, tokenId }: Revoked): boolean {
  if (sessionId === undefined && tokenId === undefined) return true;
  return proof.kind === 'session' ? proof.sessionId === sessionId : proof.tokenId === tokenId;
}
