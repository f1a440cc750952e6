/**
 * Warm runtime sessions, lent for one turn at a time. What a lease finds warm and in agreement with our history it uses
 * without connect, create or resume.
 */
import type { GatewayError } from '../errors.ts';
import { removeMarker } from './context-marker.ts';
import { KeyedLock } from './keyed-lock.ts';
import { chooseEviction, chooseIdle } from './lease-policy.ts';
import type { RuntimeFleet } from './runtime-fleet.ts';
import type { RuntimeHost } from './runtime-host.ts';
import type { RuntimeParts } from './runtime-parts.ts';
import type { LeaseRequest, Prompt, SessionLease } from './runtime-port.ts';
import { type RuntimeSession, SessionGoneError } from './runtime-session.ts';
import { sessionFingerprint } from './session-config.ts';
import { isCurrent, openSession } from './session-opener.ts';
import { runtimesBusy, shuttingDown } from './unavailable.ts';
import { UserAborts } from './user-aborts.ts';

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
  readonly #aborts = new UserAborts();
  /** Sessions on their way out: the same one is not opened again before it has left. */
  readonly #leaving = new Map<string, Promise<void>>();
  readonly #watched = new WeakSet<RuntimeHost>();
  #closed = false;

  constructor(options: LeasePoolOptions) {
    this.#fleet = options.fleet;
    this.#parts = options.parts;
    this.#warmSessions = options.warmSessions;
  }

  /** See `Runtimes.lease`. */
  async lease(request: LeaseRequest, signal: AbortSignal): Promise<SessionLease> {
    if (this.#closed) throw shuttingDown();
    return this.#aborts.guard(request.user.userId, signal, async (either) => {
      const unlock = await this.#locks.take(request.sessionId, either);
      const ready = await this.#ready(request, either).catch((error: unknown) => {
        unlock();
        throw error;
      });
      const lease = this.#lend(request, ready, unlock);
      if (either.aborted) lease.release({ keepWarm: true });
      either.throwIfAborted();
      return lease;
    });
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
    this.#aborts.abort(userId, error);
    const theirs = [...this.#entries.values()].filter((entry) => entry.userId === userId);
    for (const entry of theirs) entry.session.fail(error);
    await Promise.all(theirs.map((entry) => this.#discard(entry)));
  }

  /** Leaves sessions nobody has used for long: called by the room's one timer. */
  async tick(): Promise<void> {
    const idle = chooseIdle(this.#entries.values(), this.#parts.config.leases.idleMs, this.#parts.clock());
    await Promise.all(idle.map((entry) => this.#discard(entry)));
  }

  /** No lease from now on; runs under way fail. The runtimes themselves are the fleet's to end. */
  close(): void {
    this.#closed = true;
    this.#aborts.abortAll(shuttingDown());
    for (const entry of this.#entries.values()) entry.session.fail(shuttingDown());
  }

  async #ready(request: LeaseRequest, signal: AbortSignal): Promise<{ entry: Entry; cold: boolean }> {
    const warm = this.#entries.get(request.sessionId);
    if (warm && (await this.#stillServes(warm, request))) return { entry: warm, cold: false };
    return { entry: await this.#openSomewhere(request, signal), cold: true };
  }

  /** True: its host counts as in use from here on. Otherwise it has left. */
  async #stillServes(warm: Entry, request: LeaseRequest): Promise<boolean> {
    const { host } = warm.session;
    host.uses += 1; // neither it nor its host gives way while we look
    let serves = false;
    try {
      serves = await this.#serves(warm, request);
      if (!serves) await this.#discard(warm);
      return serves;
    } finally {
      if (!serves) this.#fleet.release(host); // also when the store could not be asked: nobody else would
    }
  }

  /** Opens the session where its user belongs now; where that runtime dies over it, once more. */
  async #openSomewhere(request: LeaseRequest, signal: AbortSignal, again = true): Promise<Entry> {
    await this.#leaving.get(request.sessionId);
    const host = await this.#fleet.acquire(request.user.userId, signal);
    try {
      return await this.#open(host, request, signal);
    } catch (error) {
      this.#fleet.release(host);
      if (!again || error !== host.gone.reason) throw error;
      return this.#openSomewhere(request, signal, false);
    }
  }

  async #serves(entry: Entry, request: LeaseRequest): Promise<boolean> {
    const { host } = entry.session;
    if (!entry.session.reusable || entry.fingerprint !== sessionFingerprint(request)) return false;
    if (host.slot !== this.#fleet.slotOf(request.user.userId)) return false;
    entry.uses += 1;
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
      this.#watch(host);
      return entry;
    } catch (error) {
      host.sessions -= 1;
      throw error;
    }
  }

  /** A dead runtime's sessions are gone with it. One listener a runtime, not one a session. */
  #watch(host: RuntimeHost): void {
    if (this.#watched.has(host)) return;
    this.#watched.add(host);
    const forgetAll = (): void => {
      for (const entry of [...this.#entries.values()]) if (entry.session.host === host) this.#forget(entry);
    };
    host.gone.addEventListener('abort', forgetAll, { once: true });
  }

  /** @throws GatewayError `runtimes_busy` when all warm sessions of the runtime are in use */
  #makeRoom(host: RuntimeHost): void {
    if (host.sessions < this.#warmSessions) return;
    const here = [...this.#entries.values()].filter((entry) => entry.session.host === host);
    const victim = chooseEviction(here);
    if (!victim) throw runtimesBusy();
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

  /** The session was lost and nothing was said yet: the same lease goes on with a new one. */
  async #reopen(lost: Entry, request: LeaseRequest, signal: AbortSignal): Promise<Entry> {
    await this.#doubt(lost);
    await this.#discard(lost);
    const entry = await this.#openSomewhere(request, signal);
    this.#fleet.release(lost.session.host);
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
      await removeMarker(this.#parts.sessionFiles, entry.sessionId, entry.opening);
    } catch (error) {
      this.#parts.logger.warn({ err: error }, 'a doubtful runtime session could not be marked as such');
    }
  }

  async #discard(entry: Entry): Promise<void> {
    this.#forget(entry);
    const { sessionId } = entry;
    const left = entry.session.close().finally(() => {
      if (this.#leaving.get(sessionId) === left) this.#leaving.delete(sessionId);
    });
    this.#leaving.set(sessionId, left);
    await left;
  }

  #forget(entry: Entry): void {
    if (this.#entries.get(entry.sessionId) !== entry) return;
    this.#entries.delete(entry.sessionId);
    entry.session.host.sessions -= 1;
  }
}
