/**
 * The runtimes of this instance: one per place, started on first use, once for all who wait; ended when idle, worn, hung or
 * in the way. Whoever acquires a host releases it.
 */
import { within } from './deadline.ts';
import { chooseEviction, chooseIdle, reasonToRecycle, restartDelay, wearLimits } from './lease-policy.ts';
import { residentBytes } from './process-memory.ts';
import { choosePlace } from './routing-policy.ts';
import type { RuntimeHost } from './runtime-host.ts';
import type { RuntimeParts } from './runtime-parts.ts';
import { isWell, newPlace, type RuntimePlace } from './runtime-place.ts';
import type { RuntimeStatus } from './runtime-port.ts';
import type { Topology } from './topologies/topology.ts';
import { runtimesBusy, runtimeUnavailable, shuttingDown } from './unavailable.ts';

export class RuntimeFleet {
  readonly #topology: Topology;
  readonly #parts: RuntimeParts;
  readonly #places = new Map<string, RuntimePlace>();
  /** Replaced or given up, ending after their last use. */
  readonly #retired = new Set<RuntimeHost>();
  #closed = false;

  constructor(topology: Topology, parts: RuntimeParts) {
    this.#topology = topology;
    this.#parts = parts;
    for (const slot of topology.slots ?? []) this.#places.set(slot, newPlace(slot));
  }

  /** Where that user belongs now. */
  slotOf(userId: string): string {
    if (this.#topology.slots === null) return userId;
    const places = [...this.#places.values()].map((place) => ({
      slot: place.slot,
      healthy: isWell(place),
      healthySince: place.healthySince,
    }));
    return choosePlace(userId, places, this.#parts.clock());
  }

  /** Live runtimes, the retiring ones among them. */
  hosts(): RuntimeHost[] {
    const current = [...this.#places.values()].flatMap((place) => (place.host ? [place.host] : []));
    return [...current, ...this.#retired];
  }

  /**
   * A runtime for the user, counted as in use until `release`. Where one of several cannot be reached the next is tried.
   * @param mayEvict false: an idle one of somebody else does not give way
   * @throws GatewayError `runtimes_busy`, `runtime_unavailable`, `shutting_down`
   */
  async acquire(userId: string, signal?: AbortSignal, mayEvict = true): Promise<RuntimeHost> {
    for (const tried = new Set<string>(); ; ) {
      if (this.#closed) throw shuttingDown();
      const slot = this.slotOf(userId);
      try {
        return await this.#use(slot, mayEvict, signal);
      } catch (error) {
        const others = (this.#topology.slots ?? []).length > tried.add(slot).size;
        if (signal?.aborted || !others || tried.has(this.slotOf(userId))) throw error;
      }
    }
  }

  async #use(slot: string, mayEvict: boolean, signal: AbortSignal | undefined): Promise<RuntimeHost> {
    const place = this.#placeOf(slot);
    if (!place.host?.usable) {
      place.starting ??= this.#start(place, mayEvict).finally(() => {
        place.starting = null;
      });
      const { start } = this.#parts.timings;
      await within(place.starting, { what: 'start of a runtime', ms: start * 2, signals: [signal] });
    }
    const { host } = place;
    if (!host?.usable) throw runtimeUnavailable(place.lastError ?? 'the runtime ended while it started');
    host.uses += 1;
    host.lastUsedAt = this.#parts.clock();
    return host;
  }

  /**
   * Every place that can be reached, each counted as in use until `release`: for what may lie on any of several servers.
   * Those that cannot are logged and left out.
   */
  async acquireAll(signal: AbortSignal): Promise<RuntimeHost[]> {
    const reached = (this.#topology.slots ?? []).map((slot) =>
      this.#use(slot, false, signal).catch((error: unknown) => {
        this.#parts.logger.warn({ runtime: slot, err: error }, 'a runtime could not be reached');
        return null;
      }),
    );
    return (await Promise.all(reached)).filter((host) => host !== null);
  }

  /** Counterpart of `acquire`. */
  release(host: RuntimeHost): void {
    host.uses -= 1;
    host.lastUsedAt = this.#parts.clock();
    if (host.uses > 0) return;
    const oneUse = this.#topology.slots === null && this.#parts.config.leases.idleMs === 0;
    if (host.draining || oneUse) void host.end();
  }

  /** Ends a user's own runtime; shared ones go on. */
  async endUser(userId: string, reason: unknown): Promise<void> {
    if (this.#topology.slots !== null) return;
    const place = this.#places.get(userId);
    if (!place) return;
    const host = place.host ?? (await place.starting?.catch(() => null));
    await host?.end(reason);
  }

  /** Health, idleness, wear: called by the room's one timer. */
  async tick(): Promise<void> {
    const now = this.#parts.clock();
    await Promise.all([
      this.#topology.tick(),
      ...this.hosts().map((host) => host.probe()),
      ...[...this.#places.values()].map((place) => this.#revive(place, now)),
    ]);
    const { idleMs } = this.#parts.config.leases;
    if (this.#topology.slots === null && idleMs > 0) {
      await Promise.all(chooseIdle(this.hosts(), idleMs, now).map((host) => host.end()));
    }
    if (this.#topology.recycles) await Promise.all(this.hosts().map((host) => this.#recycle(host)));
  }

  status(): RuntimeStatus[] {
    const down = [...this.#places.values()].filter((place) => !place.host && this.#topology.slots !== null);
    return [
      ...this.hosts().map((host) => host.status()),
      ...down.map((place) => ({
        name: place.slot,
        healthy: place.failures === 0,
        version: null,
        sessions: 0,
        busy: 0,
        detail: place.failures === 0 ? 'not started' : 'unreachable',
      })),
    ];
  }

  async close(): Promise<void> {
    this.#closed = true;
    const starting = [...this.#places.values()].map((place) => place.starting);
    await Promise.allSettled(starting);
    await Promise.all(this.hosts().map((host) => host.end(shuttingDown())));
    await this.#topology.close();
  }

  #placeOf(slot: string): RuntimePlace {
    const known = this.#places.get(slot);
    if (known) return known;
    const place = newPlace(slot);
    this.#places.set(slot, place);
    return place;
  }

  async #start(place: RuntimePlace, mayEvict: boolean): Promise<RuntimeHost> {
    if (this.#topology.slots === null) this.#makeRoom(place, mayEvict);
    try {
      const host = await this.#topology.start(place.slot);
      if (this.#closed) {
        await host.end(shuttingDown());
        throw shuttingDown();
      }
      this.#take(place, host);
      return host;
    } catch (error) {
      place.failures += 1;
      place.lastError = error;
      place.retryAt = this.#parts.clock() + restartDelay(place.failures);
      place.healthySince = null;
      if (this.#topology.slots === null) this.#forget(place);
      throw error;
    }
  }

  #take(place: RuntimePlace, host: RuntimeHost): void {
    // What recovered is returned to calmly; what never failed serves at once.
    place.healthySince = place.failures > 0 || place.lastError ? this.#parts.clock() : null;
    place.failures = 0;
    place.host = host;
    host.gone.addEventListener('abort', () => this.#left(place, host), { once: true });
  }

  #left(place: RuntimePlace, host: RuntimeHost): void {
    this.#retired.delete(host);
    if (place.host === host) {
      place.host = null;
      place.lastError = host.gone.reason;
      if (this.#topology.slots === null) this.#forget(place);
    }
    void host.end(); // frees what it had, also where it died by itself
  }

  /** A user's place is kept only while it is of use: there is one for everybody who ever came. */
  #forget(place: RuntimePlace): void {
    if (!place.host && !(place.retryAt > this.#parts.clock())) this.#places.delete(place.slot);
  }

  /** @throws GatewayError `runtimes_busy` */
  #makeRoom(place: RuntimePlace, mayEvict: boolean): void {
    const { maxRuntimes } = this.#parts.config.leases;
    const occupied = [...this.#places.values()].filter((other) => other !== place && (other.host || other.starting));
    if (occupied.length + this.#retired.size < maxRuntimes) return;
    const victim = mayEvict ? chooseEviction(occupied.flatMap((other) => (other.host ? [other.host] : []))) : null;
    if (!victim) {
      throw runtimesBusy();
    }
    void victim.end('made room for another user');
  }

  /** Tries a shared place again that failed, so that its recovery shows without a user waiting for it. */
  async #revive(place: RuntimePlace, now: number): Promise<void> {
    const lost = this.#topology.slots !== null && !place.host && !place.starting && place.lastError;
    if (!lost || now < place.retryAt || this.#closed) {
      if (this.#topology.slots === null) this.#sweep(place, now);
      return;
    }
    place.starting = this.#start(place, false).finally(() => {
      place.starting = null;
    });
    await place.starting.catch((error: unknown) => {
      this.#parts.logger.warn({ runtime: place.slot, err: error, failures: place.failures }, 'a runtime is still away');
    });
  }

  #sweep(place: RuntimePlace, now: number): void {
    if (!place.host && !place.starting && now >= place.retryAt) this.#places.delete(place.slot);
  }

  async #recycle(host: RuntimeHost): Promise<void> {
    if (!host.usable) return;
    const wear = { ...pickWear(host), residentBytes: host.pid === null ? null : await residentBytes(host.pid) };
    const reason = reasonToRecycle(wear, wearLimits(this.#topology.slots !== null), this.#parts.clock());
    if (!reason || !host.usable) return;
    this.#parts.logger.info({ runtime: host.name, reason, ...wear }, 'a runtime is replaced');
    host.draining = true;
    const place = this.#places.get(host.slot);
    if (place?.host === host) place.host = null;
    this.#retired.add(host);
    if (host.uses === 0) await host.end();
  }
}

function pickWear(host: RuntimeHost) {
  return { startedAt: host.startedAt, sessionsOpened: host.sessionsOpened };
}
