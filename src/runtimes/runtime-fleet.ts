/**
 * The runtimes of this instance: one per place, started on first use, once for all who wait; ended when idle, worn, hung or
 * in the way. Whoever acquires a host releases it.
 */
import { DeadlineError, within } from './deadline.ts';
import { chooseEviction, chooseIdle } from './lease-policy.ts';
import { Retirement } from './retirement.ts';
import { choosePlace } from './routing-policy.ts';
import type { RuntimeHost } from './runtime-host.ts';
import { operateOn } from './runtime-operation.ts';
import type { RuntimeParts } from './runtime-parts.ts';
import { emptyStatus, newPlace, noteFailure, noteHost, type RuntimePlace, routed } from './runtime-place.ts';
import type { RuntimeAct, RuntimeOperation, RuntimeStatus } from './runtime-port.ts';
import { wornBy } from './runtime-wear.ts';
import type { Topology } from './topologies/topology.ts';
import { Turnover } from './turnover.ts';
import { runtimesBusy, runtimeUnavailable, shuttingDown } from './unavailable.ts';

export class RuntimeFleet {
  readonly #topology: Topology;
  readonly #parts: RuntimeParts;
  readonly #places = new Map<string, RuntimePlace>();
  readonly #retired = new Retirement();
  readonly #turnover = new Turnover();
  #closed = false;

  constructor(topology: Topology, parts: RuntimeParts) {
    this.#topology = topology;
    this.#parts = parts;
    for (const slot of topology.slots ?? []) this.#places.set(slot, newPlace(slot));
  }

  /** Fills what is filled ahead, in the background: a server that is away keeps no gateway from starting. */
  open(): void {
    const now = this.#parts.clock();
    if (this.#topology.slots !== null) for (const place of this.#places.values()) void this.#revive(place, now);
  }

  /** Where that user belongs now. */
  slotOf(userId: string): string {
    if (this.#topology.slots === null) return userId;
    const open = [...this.#places.values()].filter(({ drained }) => !drained);
    return choosePlace(userId, open.map(routed), this.#parts.clock());
  }

  /** Live runtimes, the retiring ones among them. */
  hosts(): RuntimeHost[] {
    return [...this.#places.values().flatMap((place) => (place.host ? [place.host] : [])), ...this.#retired.hosts()];
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
        if (this.#closed) throw shuttingDown();
        if (signal?.aborted || !others || tried.has(this.slotOf(userId))) throw error;
      }
    }
  }

  async #use(slot: string, mayEvict: boolean, signal: AbortSignal | undefined): Promise<RuntimeHost> {
    const { place, starting } = await this.#claim(slot, mayEvict, signal);
    const ms = this.#parts.timings.start * 2;
    try {
      if (starting) await within(starting, { what: 'start of a runtime', ms, signals: [signal] });
      const { host } = place;
      if (!host?.usable) throw runtimeUnavailable(place.lastError ?? 'the runtime ended while it started');
      host.uses += 1;
      host.lastUsedAt = this.#parts.clock();
      return host;
    } finally {
      place.claims -= 1;
      this.#turnover.happened(); // where it was not taken after all, it may give way
    }
  }

  /**
   * The place with its runtime, or with the start of one as soon as there is room. A turn that ends gives its runtime back
   * a little after its answer: who comes in between waits for that instead of being turned away.
   * @throws GatewayError `runtimes_busy`
   */
  async #claim(slot: string, mayEvict: boolean, signal: AbortSignal | undefined) {
    const until = performance.now() + this.#parts.timings.room;
    for (;;) {
      const place = this.#placeOf(slot);
      if (place.drained) throw runtimeUnavailable('an operator has drained it');
      const ready = place.host?.usable === true;
      if (ready || place.starting || this.#hasRoom(place, mayEvict)) {
        place.claims += 1; // in the same breath as room was found: nobody comes in between
        return { place, starting: ready ? null : this.#startOnce(place) };
      }
      const ms = until - performance.now();
      if (!mayEvict || ms <= 0) throw runtimesBusy();
      const waits = { what: 'room for a runtime', ms, signals: [signal, this.#parts.closing] };
      await within(this.#turnover.next(), waits).catch((error: unknown) => {
        throw error instanceof DeadlineError ? runtimesBusy() : error;
      });
    }
  }

  #startOnce(place: RuntimePlace): Promise<RuntimeHost> {
    place.starting ??= this.#start(place).finally(() => {
      place.starting = null;
      this.#turnover.happened();
    });
    return place.starting;
  }

  /**
   * The runtime of one place, counted as in use until `release`. One known to be away is not waited for: the room's timer
   * tries it again.
   */
  async reach(slot: string, signal: AbortSignal): Promise<RuntimeHost> {
    const { host, lastError } = this.#placeOf(slot);
    if (!host && lastError) throw runtimeUnavailable(lastError);
    return this.#use(slot, false, signal);
  }

  /** Counterpart of `acquire`. */
  release(host: RuntimeHost): void {
    host.uses -= 1;
    host.lastUsedAt = this.#parts.clock();
    if (host.uses > 0) return;
    const oneUse = this.#topology.slots === null && this.#parts.config.leases.idleMs === 0;
    if (host.draining || oneUse) void host.end();
    this.#turnover.happened();
  }

  /** Ends a user's own runtime; shared ones go on. */
  async endUser(userId: string, reason: unknown): Promise<void> {
    if (this.#topology.slots !== null) return;
    const place = this.#places.get(userId);
    await (place?.host ?? (await place?.starting?.catch(() => null)))?.end(reason);
  }

  /** See `Runtimes.operate`. */
  operate(name: string, act: RuntimeAct): RuntimeOperation {
    const places = [...this.#places.values()];
    const operation = operateOn(places, this.#topology.slots !== null, this.#retired, { name, act });
    if (operation === 'done') this.#parts.logger.info({ runtime: name, act }, 'an operator acts on a runtime');
    return operation;
  }

  /** Health, idleness, wear: called by the room's one timer. */
  async tick(): Promise<void> {
    const now = this.#parts.clock();
    const ownForEach = this.#topology.slots === null;
    if (ownForEach) this.#sweep(now);
    await Promise.all([
      this.#topology.tick(),
      ...this.hosts().map((host) => host.probe()),
      ...(ownForEach ? [] : this.#places.values().map((place) => this.#revive(place, now))),
    ]);
    const { idleMs } = this.#parts.config.leases;
    if (ownForEach && idleMs > 0) {
      await Promise.all(chooseIdle(this.hosts(), idleMs, now).map((host) => host.end()));
    }
    if (this.#topology.recycles) await Promise.all(this.hosts().map((host) => this.#recycle(host)));
  }

  status(): RuntimeStatus[] {
    const { slots, filledAhead } = this.#topology;
    const empty = [...this.#places.values()].filter((place) => !place.host && slots !== null);
    return [...this.hosts().map((host) => host.status()), ...empty.map((place) => emptyStatus(place, filledAhead))];
  }

  async close(): Promise<void> {
    this.#closed = true;
    const starting = [...this.#places.values()].map((place) => place.starting);
    await Promise.allSettled(starting);
    await Promise.all(this.hosts().map((host) => host.end(shuttingDown())));
    await this.#topology.close();
  }

  #placeOf(slot: string): RuntimePlace {
    const place = this.#places.get(slot) ?? newPlace(slot);
    this.#places.set(slot, place);
    return place;
  }

  async #start(place: RuntimePlace): Promise<RuntimeHost> {
    try {
      const host = await this.#topology.start(place.slot);
      if (this.#closed) {
        await host.end(shuttingDown());
        throw shuttingDown();
      }
      noteHost(place, host, this.#parts.clock());
      host.gone.addEventListener('abort', () => this.#left(place, host), { once: true });
      if (place.drained) void this.#retired.begin(host, place); // while it started
      return host;
    } catch (error) {
      noteFailure(place, error, this.#parts.clock());
      if (this.#topology.slots === null) this.#forget(place);
      throw error;
    }
  }

  #left(place: RuntimePlace, host: RuntimeHost): void {
    this.#retired.over(host);
    if (place.host === host) {
      place.host = null;
      place.lastError = host.gone.reason;
      if (this.#topology.slots === null) this.#forget(place);
    }
    void host.end(); // frees what it had, also where it died by itself
    this.#turnover.happened();
  }

  /** A user's place is kept only while it is of use: there is one for everybody who ever came. */
  #forget(place: RuntimePlace): void {
    if (!place.host && !(place.retryAt > this.#parts.clock())) this.#places.delete(place.slot);
  }

  /** Whether a runtime may start there; an idle one gives way where it may. */
  #hasRoom(place: RuntimePlace, mayEvict: boolean): boolean {
    if (this.#topology.slots !== null) return true;
    const { maxRuntimes } = this.#parts.config.leases;
    const occupied = [...this.#places.values()].filter((other) => other !== place && (other.host || other.starting));
    if (occupied.length + this.#retired.size < maxRuntimes) return true;
    const free = occupied.flatMap((other) => (other.host && other.claims === 0 ? [other.host] : []));
    const victim = mayEvict ? chooseEviction(free) : null;
    void victim?.end('made room for another user');
    return victim !== null;
  }

  /** Tries a place that failed or is filled ahead, so that how it is shows without a user waiting for it. */
  async #revive(place: RuntimePlace, now: number): Promise<void> {
    if (this.#closed || place.drained || place.host || place.starting || now < place.retryAt) return;
    if (!place.lastError && !this.#topology.filledAhead) return;
    await this.#startOnce(place).catch((error: unknown) => {
      this.#parts.logger.warn({ runtime: place.slot, err: error, failures: place.failures }, 'a runtime is away');
    });
  }

  #sweep(now: number): void {
    for (const place of this.#places.values()) {
      if (!place.host && !place.starting && now >= place.retryAt) this.#places.delete(place.slot);
    }
  }

  async #recycle(host: RuntimeHost): Promise<void> {
    if (!host.usable) return;
    const worn = await wornBy(host, this.#topology.slots !== null, this.#parts.clock);
    if (!worn || !host.usable) return;
    this.#parts.logger.info({ runtime: host.name, ...worn }, 'a runtime is replaced');
    await this.#retired.begin(host, this.#places.get(host.slot));
  }
}
