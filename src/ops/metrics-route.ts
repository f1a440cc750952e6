/** `GET /metrics` in Prometheus' text format. Who may ask is decided where it is registered. */
import type { FastifyInstance } from 'fastify';
import type { GatewayMetrics } from './metrics.ts';

export function registerMetrics(app: FastifyInstance, { registry }: GatewayMetrics): void {
  app.get(
    '/metrics',
    { logLevel: 'silent', schema: { hide: true }, config: { disableMetrics: true } },
    async (_request, reply) =>
      reply
        .type(registry.contentType)
        .header('cache-control', 'no-store')
        .send(await registry.metrics()),
  );
}
