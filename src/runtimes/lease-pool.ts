/**
 * Warm runtime sessions, lent for one turn at a time. What a lease finds warm and in agreement with our history it uses
 * without connect, create or resume.
 */
import { GatewayError } from '../errors.ts';
import { removeMarker } from './context-marker.ts';
import { KeyedLock } from './keyed-lock.ts';
import { chooseEviction, chooseIdle } from './lease-policy.ts';
import type { RuntimeFleet } from './runtime-fleet.ts';
import { shuttingDown } from './runtime-fleet.ts';
import type { RuntimeHost } from './runtime-host.ts';
import type { RuntimeParts } from './runtime-parts.ts';
import type { LeaseRequest, Prompt, SessionLease } from './runtime-port.ts';
import { type RuntimeSession, SessionGoneError } from './runtime-session.ts';
import { sessionFingerprint } from './session-config.ts';
import { isCurrent, openSession } from './session-opener.ts';

interface Entry {
  readonly sessionId: string;
  readonly userId: string;
  readonly session: RuntimeSession;
  readonly fingerprint: string;
  readonly opening: string;
  uses: number;
  lastUsedAt: number;
}

/** What this pool leans on. */
export interface LeasePoolOptions {
  readonly fleet: RuntimeFleet;
  readonly parts: RuntimeParts;
  /** Most warm sessions of one runtime. */
  readonly warmSessions: number;
}

export class LeasePool {
  readonly #fleet: RuntimeFleet;
  readonly #parts: RuntimeParts;
  readonly #warmSessions: number;
  readonly #entries = new Map<string, Entry>();
  readonly #locks = new KeyedLock();
  /** Openings under way, by user, so that `endUser` reaches them. */
  readonly #openings = new Map<string, Set<AbortController>>();
  #closed = false;

  constructor(options: LeasePoolOptions) {
    this.#fleet = options.fleet;
    this.#parts = options.parts;
    this.#warmSessions = options.warmSessions;
  }

  /** See `Runtimes.lease`. */
  async lease(request: LeaseRequest, signal: AbortSignal): Promise<SessionLease> {
    if (this.#closed) throw shuttingDown();
    const { userId } = request.user;
    const ended = new AbortController();
    const openings = this.#openings.get(userId) ?? new Set();
    this.#openings.set(userId, openings.add(ended));
    const either = AbortSignal.any([signal, ended.signal]);
    try {
      const unlock = await this.#locks.take(request.sessionId, either);
      try {
        const { entry, cold } = await this.#ready(request, either);
        either.throwIfAborted();
        return this.#lend(request, { entry, cold }, unlock);
      } catch (error) {
        unlock();
        throw error;
      }
    } finally {
      openings.delete(ended);
      if (openings.size === 0) this.#openings.delete(userId);
    }
  }

  /** Leaves a session, for good or before its deletion; a run in it fails with `error`. */
  async drop(sessionId: string, error: GatewayError): Promise<void> {
    const entry = this.#entries.get(sessionId);
    if (!entry) return;
    entry.session.fail(error);
    await this.#discard(entry);
  }

  /** See `Runtimes.endUser`. */
  async endUser(userId: string, error: GatewayError): Promise<void> {
    for (const opening of this.#openings.get(userId) ?? []) opening.abort(error);
    const theirs = [...this.#entries.values()].filter((entry) => entry.userId === userId);
    for (const entry of theirs) entry.session.fail(error);
    await Promise.all(theirs.map((entry) => this.#discard(entry)));
  }

  /** Leaves sessions nobody has used for long: called by the room's one timer. */
  async tick(): Promise<void> {
    const { idleMs } = this.#parts.config.leases;
    const idle = chooseIdle(this.#entries.values(), idleMs, this.#parts.clock());
    await Promise.all(idle.map((entry) => this.#discard(entry)));
  }

  /** No lease from now on; runs under way fail. The runtimes themselves are the fleet's to end. */
  close(): void {
    this.#closed = true;
    for (const openings of this.#openings.values()) for (const opening of openings) opening.abort(shuttingDown());
    for (const entry of this.#entries.values()) entry.session.fail(shuttingDown());
  }

  async #ready(request: LeaseRequest, signal: AbortSignal): Promise<{ entry: Entry; cold: boolean }> {
    const warm = this.#entries.get(request.sessionId);
    if (warm && (await this.#serves(warm, request))) {
      warm.session.host.uses += 1;
      return { entry: warm, cold: false };
    }
    if (warm) await this.#discard(warm);
    const host = await this.#fleet.acquire(request.user.userId, signal);
    try {
      return { entry: await this.#open(host, request, signal), cold: true };
    } catch (error) {
      this.#fleet.release(host);
      throw error;
    }
  }

  async #serves(entry: Entry, request: LeaseRequest): Promise<boolean> {
    const { host } = entry.session;
    if (!entry.session.reusable || entry.fingerprint !== sessionFingerprint(request)) return false;
    if (host.slot !== this.#fleet.slotOf(request.user.userId)) return false;
    entry.uses += 1; // not evicted while we look
    try {
      return (await isCurrent(this.#parts, host, request, entry.opening)) && entry.session.reusable;
    } finally {
      entry.uses -= 1;
    }
  }

  async #open(host: RuntimeHost, request: LeaseRequest, signal: AbortSignal): Promise<Entry> {
    this.#makeRoom(host);
    host.sessions += 1;
    try {
      const { session, opening } = await openSession(this.#parts, host, request, signal);
      const entry: Entry = {
        sessionId: request.sessionId,
        userId: request.user.userId,
        session,
        fingerprint: sessionFingerprint(request),
        opening,
        uses: 0,
        lastUsedAt: this.#parts.clock(),
      };
      this.#entries.set(request.sessionId, entry);
      host.gone.addEventListener('abort', () => this.#forget(entry), { once: true });
      return entry;
    } catch (error) {
      host.sessions -= 1;
      throw error;
    }
  }

  /** @throws GatewayError `runtimes_busy` when all warm sessions of the runtime are in use */
  #makeRoom(host: RuntimeHost): void {
    if (host.sessions < this.#warmSessions) return;
    const here = [...this.#entries.values()].filter((entry) => entry.session.host === host);
    const victim = chooseEviction(here);
    if (!victim) {
      throw new GatewayError('runtimes_busy', 'All Copilot runtimes are busy. Try again shortly.', { retryAfter: 2 });
    }
    void this.#discard(victim);
  }

  #lend(request: LeaseRequest, ready: { entry: Entry; cold: boolean }, unlock: () => void): SessionLease {
    let { entry } = ready;
    entry.uses += 1;
    let released = false;
    const release = ({ keepWarm }: { keepWarm: boolean }): void => {
      if (released) return;
      released = true;
      void this.#giveBack(entry, keepWarm).finally(unlock);
    };
    const run = async function* (this: LeasePool, prompt: Prompt, signal: AbortSignal) {
      try {
        yield* entry.session.run(prompt, signal);
      } catch (error) {
        if (!(error instanceof SessionGoneError)) throw error;
        entry = await this.#reopen(entry, request, signal);
        yield* entry.session.run(prompt, signal);
      }
    };
    return { cold: ready.cold, release, run: run.bind(this), steer: (prompt) => entry.session.steer(prompt) };
  }

  /** A server dropped the session behind our back, and nothing was said yet: the same lease goes on with a new one. */
  async #reopen(gone: Entry, request: LeaseRequest, signal: AbortSignal): Promise<Entry> {
    await this.#discard(gone);
    const entry = await this.#open(gone.session.host, request, signal);
    entry.uses += 1;
    return entry;
  }

  async #giveBack(entry: Entry, keepWarm: boolean): Promise<void> {
    entry.uses -= 1;
    entry.lastUsedAt = this.#parts.clock();
    const keep = keepWarm && entry.session.reusable && this.#parts.config.leases.idleMs > 0 && !this.#closed;
    if (entry.session.inDoubt) await this.#doubt(entry);
    if (!keep) await this.#discard(entry);
    this.#fleet.release(entry.session.host);
  }

  async #doubt(entry: Entry): Promise<void> {
    try {
      await removeMarker(this.#parts.sessionFiles, entry.sessionId);
    } catch (error) {
      this.#parts.logger.warn({ err: error }, 'a doubtful runtime session could not be marked as such');
    }
  }

  async #discard(entry: Entry): Promise<void> {
    this.#forget(entry);
    await entry.session.close();
  }

  #forget(entry: Entry): void {
    if (this.#entries.get(entry.sessionId) !== entry) return;
    this.#entries.delete(entry.sessionId);
    entry.session.host.sessions -= 1;
  }
}
