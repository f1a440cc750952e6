/** Which requests belong in the audit trail: one table over all routes, so that no route has to remember it. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { GatewayError } from '../errors.ts';
import type { AuditAction, AuditTrail } from './audit-trail.ts';

/** Method and route → what it is called when it succeeds, and when it is refused. */
const AUDITED: Readonly<Record<string, { done: AuditAction; refused?: AuditAction }>> = {
  'GET /auth/github/callback': { done: 'sign_in', refused: 'sign_in.refused' },
  'POST /auth/logout': { done: 'sign_out' },
  'DELETE /api/me/sessions': { done: 'sign_out.everywhere' },
  'DELETE /api/me/sessions/:id': { done: 'session.end' },
  'GET /api/me/export': { done: 'account.export' },
  'POST /api/tokens': { done: 'api_token.create' },
  'DELETE /api/tokens/:id': { done: 'api_token.revoke' },
};

/**
 * Records audited requests as they end.
 * @param userOf who asks, as far as is known at that moment
 */
export function auditRequests(
  app: FastifyInstance,
  trail: AuditTrail,
  userOf: (request: FastifyRequest) => string | null,
): void {
  const known = new WeakMap<FastifyRequest, { user: string | null; code: string | null }>();
  const auditedOf = (request: FastifyRequest) => AUDITED[`${request.method} ${request.routeOptions.url}`];
  // Before the handler: a sign-out leaves nobody to ask afterwards.
  app.addHook('preHandler', async (request) => {
    if (auditedOf(request)) known.set(request, { user: userOf(request), code: null });
  });
  app.addHook('onError', async (request, _reply, error) => {
    const entry = known.get(request);
    if (entry) entry.code = error instanceof GatewayError ? error.code : 'internal_error';
  });
  app.addHook('onResponse', async (request, reply) => {
    const entry = known.get(request);
    const audited = auditedOf(request);
    if (entry === undefined || audited === undefined) return;
    const failed = reply.statusCode >= 400;
    const action = failed ? audited.refused : audited.done;
    if (action === undefined) return;
    const user = action === 'sign_in' ? userOf(request) : entry.user;
    const detail = failed ? (entry.code ?? String(reply.statusCode)) : null;
    await trail.record({ action, actor: user, subject: user, detail, requestId: request.id, address: request.ip });
  });
}
