/** Requests by method, route and status. Unknown paths and methods count as one, so that nobody can make labels. */
import type { FastifyInstance } from 'fastify';
import type { GatewayMetrics } from './metrics.ts';

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Streams count until their end. */
export function measureRequests(app: FastifyInstance, { httpSeconds }: GatewayMetrics): void {
  app.addHook('onResponse', (request, reply, done) => {
    const method = METHODS.has(request.method) ? request.method : 'other';
    const labels = { method, route: request.routeOptions.url ?? 'none', status_code: String(reply.statusCode) };
    httpSeconds.observe(labels, reply.elapsedTime / 1000);
    done();
  });
}
