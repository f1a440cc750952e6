/** The runtimes with leases, first tokens and model calls measured. */
import { GatewayError } from '../errors.ts';
import type { Prompt, RuntimeEvent, Runtimes, SessionLease } from '../runtimes/runtime-port.ts';
import type { GatewayMetrics } from './metrics.ts';

/** `runtimes`, observed. Closing it closes `runtimes`. */
export function meteredRuntimes(runtimes: Runtimes, metrics: GatewayMetrics): Runtimes {
  return {
    topology: runtimes.topology,
    lease: async (request, signal) => {
      const started = performance.now();
      try {
        const lease = await runtimes.lease(request, signal);
        metrics.leaseSeconds.observe({ cold: String(lease.cold) }, (performance.now() - started) / 1000);
        return meteredLease(lease, metrics);
      } catch (error) {
        if (!signal.aborted)
          metrics.leaseErrors.inc({ code: error instanceof GatewayError ? error.code : 'internal_error' });
        throw error;
      }
    },
    warm: (user) => runtimes.warm(user),
    models: (user, signal) => runtimes.models(user, signal),
    quota: (user, signal) => runtimes.quota(user, signal),
    deleteSession: (user, sessionId, signal) => runtimes.deleteSession(user, sessionId, signal),
    endUser: (userId, error) => runtimes.endUser(userId, error),
    status: () => runtimes.status(),
    operate: (name, act) => runtimes.operate(name, act),
    close: () => runtimes.close(),
  };
}

function meteredLease(lease: SessionLease, metrics: GatewayMetrics): SessionLease {
  return {
    cold: lease.cold,
    run: (prompt, signal) => meteredRun(lease, prompt, signal, metrics),
    steer: (prompt) => lease.steer(prompt),
    release: (options) => lease.release(options),
  };
}

async function* meteredRun(
  lease: SessionLease,
  prompt: Prompt,
  signal: AbortSignal,
  metrics: GatewayMetrics,
): AsyncGenerator<RuntimeEvent> {
  const started = performance.now();
  let silent = true;
  for await (const event of lease.run(prompt, signal)) {
    if (event.type === 'text' && silent) {
      silent = false;
      metrics.firstToken.observe({}, (performance.now() - started) / 1000);
    } else if (event.type === 'retrying') {
      metrics.retries.inc();
    } else if (event.type === 'usage') {
      const model = metrics.model(event.usage.model);
      metrics.modelTokens.inc({ model, kind: 'input' }, event.usage.inputTokens);
      metrics.modelTokens.inc({ model, kind: 'output' }, event.usage.outputTokens);
    }
    yield event;
  }
}
