/** The store with every call timed. Nothing waits for it: the caller gets the store's own promise. */
import { GatewayError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { GatewayMetrics } from './metrics.ts';

/** Waits for something besides the store, so its time says nothing about it. */
const NOT_TIMED = new Set(['credentials.withRefreshLock']);

type Method = (...args: unknown[]) => unknown;

/** `store`, observed. Closing it closes `store`. */
export function meteredStore(store: Store, metrics: GatewayMetrics): Store {
  const observed: Record<string, unknown> = {};
  for (const [name, part] of Object.entries(store)) {
    const isRepository = typeof part === 'object' && part !== null && !(part instanceof AbortSignal);
    observed[name] = isRepository ? meteredRepository(name, part, metrics) : part;
  }
  const metered = observed as unknown as Store;
  return { ...metered, credentials: countingRefreshes(metered.credentials, metrics) };
}

function meteredRepository(name: string, repository: object, metrics: GatewayMetrics): object {
  const observed: Record<string, Method> = {};
  for (const method of methodsOf(repository)) {
    const call = `${name}.${method}`;
    const original = ((repository as Record<string, Method>)[method] as Method).bind(repository);
    observed[method] = NOT_TIMED.has(call) ? original : timed(call, original, metrics);
  }
  return observed;
}

function timed(call: string, original: Method, { storeSeconds, storeErrors }: GatewayMetrics): Method {
  const child = storeSeconds.child({ call });
  return (...args) => {
    const started = performance.now();
    const result = original(...args);
    if (!(result instanceof Promise)) return result;
    result.then(
      () => child.observe((performance.now() - started) / 1000),
      (error: unknown) =>
        storeErrors.inc({ call, code: error instanceof GatewayError ? error.code : 'internal_error' }),
    );
    return result;
  };
}

function methodsOf(repository: object): string[] {
  const names = new Set<string>();
  for (let at: object | null = repository; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const name of Object.getOwnPropertyNames(at)) {
      if (name !== 'constructor' && typeof (repository as Record<string, unknown>)[name] === 'function')
        names.add(name);
    }
  }
  return [...names];
}

/** A refresh ends in the store: written, or the credential marked as dead. */
function countingRefreshes(credentials: Store['credentials'], { refreshes }: GatewayMetrics): Store['credentials'] {
  return {
    ...credentials,
    replace: async (record) => {
      const written = await credentials.replace(record);
      if (written) refreshes.inc({ outcome: 'renewed' });
      return written;
    },
    markRejected: async (userId, version, now) => {
      await credentials.markRejected(userId, version, now);
      refreshes.inc({ outcome: 'refused' });
    },
  };
}
