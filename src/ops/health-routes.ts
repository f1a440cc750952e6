/**
 * `/healthz`: the process answers; no I/O, so a slow database never gets a gateway killed. `/readyz`: a write commits and
 * runtimes can be had; asked at most once a second however many probes come.
 */
import type { FastifyInstance } from 'fastify';
import type { RuntimeStatus, Runtimes } from '../runtimes/runtime-port.ts';
import type { Store } from '../store/store.ts';

export interface HealthDependencies {
  readonly store: Store;
  readonly runtimes: Runtimes;
  readonly engine: { readonly draining: boolean };
  readonly clock: () => number;
}

interface Readiness {
  status: 'ready' | 'not_ready' | 'draining';
  store: { ok: boolean; engine: string };
  /** Counts only: anyone may ask, and names of servers are nobody else's. `/admin/runtimes` has them. */
  runtimes: { topology: string; ok: boolean; healthy: number; unhealthy: number };
}

const CACHED_MS = 1_000;
const STORE_MS = 2_000;

export function registerHealth(app: FastifyInstance, deps: HealthDependencies): void {
  app.get('/healthz', { logLevel: 'silent', schema: { hide: true } }, async (_request, reply) => {
    void reply.header('cache-control', 'no-store');
    return { status: 'ok' };
  });
  const readiness = cachedReadiness(deps);
  app.get('/readyz', { logLevel: 'silent', schema: { hide: true } }, async (_request, reply) => {
    const state = await readiness();
    return reply
      .code(state.status === 'ready' ? 200 : 503)
      .header('cache-control', 'no-store')
      .send(state);
  });
}

function cachedReadiness(deps: HealthDependencies): () => Promise<Readiness> {
  let checked: { at: number; storeOk: Promise<boolean> } | null = null;
  return async () => {
    if (checked === null || deps.clock() - checked.at > CACHED_MS)
      checked = { at: deps.clock(), storeOk: storeAnswers(deps.store) };
    const storeOk = await checked.storeOk;
    const items = deps.runtimes.status();
    const healthy = items.filter((item) => item.healthy).length;
    const runtimesOk = canServe(deps.runtimes.topology, items);
    return {
      status: deps.engine.draining ? 'draining' : storeOk && runtimesOk ? 'ready' : 'not_ready',
      store: { ok: storeOk, engine: deps.store.engine },
      runtimes: { topology: deps.runtimes.topology, ok: runtimesOk, healthy, unhealthy: items.length - healthy },
    };
  };
}

/**
 * Isolated runtimes come and go with their users: none is needed to be ready, and one user's sick runtime is nobody else's.
 * Elsewhere at least one place has to be well: a shared one that was never needed counts as well, a server of others only
 * once it was reached.
 */
function canServe(topology: Runtimes['topology'], items: readonly RuntimeStatus[]): boolean {
  return topology === 'isolated' || items.some(({ healthy }) => healthy);
}

async function storeAnswers(store: Store): Promise<boolean> {
  try {
    await store.ping(AbortSignal.timeout(STORE_MS));
    return true;
  } catch {
    return false;
  }
}
