/** Which requests belong in the audit trail: one table over all routes, so that no route has to remember it. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
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

/** What is known of an audited request before its end. */
interface Entry {
  readonly user: string | null;
  code: string | null;
}

/**
 * Records audited requests as they end. Call it before any route is registered; other routes pay nothing for it.
 * @param userOf who asks, as far as is known at that moment
 */
export function auditRequests(
  app: FastifyInstance,
  trail: AuditTrail,
  userOf: (request: FastifyRequest) => string | null,
): void {
  const entries = new WeakMap<FastifyRequest, Entry>();
  const onResponse = async (request: FastifyRequest, reply: FastifyReply) => {
    const entry = entries.get(request);
    const audited = AUDITED[`${request.method} ${request.routeOptions.url}`];
    if (entry === undefined || audited === undefined) return;
    const failed = reply.statusCode >= 400;
    const action = failed ? audited.refused : audited.done;
    if (action === undefined) return;
    const user = action === 'sign_in' ? userOf(request) : entry.user;
    const detail = failed ? (entry.code ?? String(reply.statusCode)) : null;
    await trail.record({ action, actor: user, subject: user, detail, requestId: request.id, address: request.ip });
  };
  const missing = new Set(Object.keys(AUDITED));
  app.addHook('onReady', async () => {
    if (missing.size > 0) throw new Error(`There is no such route to audit: ${[...missing].join(', ')}`);
  });
  app.addHook('onRoute', (route) => {
    const keys = [route.method].flat().map((method) => `${method} ${route.url}`);
    if (!keys.some((key) => AUDITED[key] !== undefined)) return;
    for (const key of keys) missing.delete(key);
    // Before the handler: a sign-out leaves nobody to ask afterwards.
    const preHandler = async (request: FastifyRequest) =>
      void entries.set(request, { user: userOf(request), code: null });
    const onError = async (request: FastifyRequest, _reply: FastifyReply, error: Error) => {
      const entry = entries.get(request);
      if (entry) entry.code = error instanceof GatewayError ? error.code : 'internal_error';
    };
    route.preHandler = [route.preHandler ?? [], preHandler].flat();
    route.onError = [route.onError ?? [], onError].flat();
    route.onResponse = [route.onResponse ?? [], onResponse].flat();
  });
}
