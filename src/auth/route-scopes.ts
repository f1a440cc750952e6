/** Every guarded route says what an API token needs for it; one that says nothing does not start. */
import type { FastifyReply, RouteOptions } from 'fastify';
import { GatewayError } from '../errors.ts';
import { type Principal, SCOPES, type Scope } from '../principal.ts';

/** What a guarded route declares, one of the two. */
export interface AccessDeclaration {
  /** What an API token must be allowed to do. A browser session may always. */
  readonly scope?: Scope;
  /** Only for people in a browser: no API token reaches it. */
  readonly sessionOnly?: true;
}

declare module 'fastify' {
  interface FastifyContextConfig extends AccessDeclaration {}
}

/** An `onRoute` hook. @throws Error when the route declares neither or both: nothing may be open by an oversight */
export function requireDeclaration(route: RouteOptions): void {
  const { scope, sessionOnly }: AccessDeclaration = route.config ?? {};
  const known = scope === undefined || SCOPES.includes(scope);
  if (known && (scope === undefined) === (sessionOnly === true)) return;
  throw new Error(
    `${String(route.method)} ${route.url} is guarded: its config needs either scope (one of ${SCOPES.join(', ')}) or sessionOnly: true.`,
  );
}

/** @throws GatewayError `insufficient_scope`, `forbidden` */
export function assertScope({ proof }: Principal, declared: AccessDeclaration, reply: FastifyReply): void {
  if (proof.kind === 'session') return;
  const { scope } = declared;
  if (scope === undefined) {
    throw new GatewayError('forbidden', 'API tokens cannot do this: sign in with a browser.');
  }
  if (proof.scopes.includes(scope)) return;
  // RFC 6750 section 3.1
  reply.header('www-authenticate', `Bearer realm="pilothouse", error="insufficient_scope", scope="${scope}"`);
  throw new GatewayError('insufficient_scope', `This needs an API token with the scope ${scope}.`, {
    extensions: { scope },
  });
}
