/**
 * Closing never waits for a connection that brings nothing. A browser or client opens some ahead of their use; Node takes
 * one that has not sent its first byte for busy (24.21: `closeIdleConnections` spares it), and would wait for its timeout.
 */
import type { FastifyInstance } from 'fastify';

/** Cuts what is still connected `afterMs` after the app began to close. Turns and streams have ended by then. */
export function cutLateConnections(app: FastifyInstance, afterMs: number): void {
  app.addHook('preClose', async () => {
    setTimeout(() => app.server.closeAllConnections(), afterMs).unref();
  });
}
