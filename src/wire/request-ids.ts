/** The id by which a request is found in the logs. Every answer has it. */
import type { FastifyInstance } from 'fastify';
import { newId } from './ids.ts';

/** A caller's own id is kept when it is plainly an id, so that his log and ours can be joined. */
export function requestId(request: { headers: Record<string, string | string[] | undefined> }): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && /^[A-Za-z0-9._-]{8,128}$/.test(given) ? given : newId();
}

/** Adds `x-request-id` to whatever `app` answers. */
export function nameResponses(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id);
  });
}
