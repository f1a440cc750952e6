/** Requests by route and status, through `fastify-metrics`; unknown paths count as one. */
import type { FastifyInstance } from 'fastify';
import fastifyMetrics from 'fastify-metrics';
import type { GatewayMetrics } from './metrics.ts';

/** Call it before any route is registered. */
export async function measureRequests(app: FastifyInstance, { client, registry }: GatewayMetrics): Promise<void> {
  await app.register(fastifyMetrics.default, {
    endpoint: null,
    promClient: client,
    defaultMetrics: { enabled: false },
    routeMetrics: {
      enabled: { histogram: true, summary: false },
      registeredRoutesOnly: false,
      invalidRouteGroup: 'none',
      overrides: {
        histogram: {
          name: 'pilothouse_http_request_seconds',
          help: 'Requests, streams until their end',
          buckets: [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 600],
          registers: [registry],
        },
        // Made in any case; without a registry it is shown to nobody.
        summary: { registers: [] },
        labels: { getRouteLabel: (request) => request.routeOptions.url ?? 'none' },
      },
    },
  });
}
