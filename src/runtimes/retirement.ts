import type { RuntimeHost } from './runtime-host.ts';
import type { RuntimePlace } from './runtime-place.ts';

/** Runtimes that take no further uses: replaced, or drained. Each ends after its last use. */
export class Retirement {
  readonly #hosts = new Set<RuntimeHost>();

  get size(): number {
    return this.#hosts.size;
  }

  hosts(): RuntimeHost[] {
    return [...this.#hosts];
  }

  /** Frees the place for the next one. Resolves when the runtime has ended, or at once while it is in use. */
  async begin(host: RuntimeHost, place: RuntimePlace | undefined): Promise<void> {
    host.draining = true;
    if (place?.host === host) place.host = null;
    this.#hosts.add(host);
    if (host.uses === 0) await host.end();
  }

  /** It has ended. */
  over(host: RuntimeHost): void {
    this.#hosts.delete(host);
  }
}
