/** `/api/me`: who I am, everything stored about me, and its erasure. */
import { Readable } from 'node:stream';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import { isoTime, Nullable, problems, StreamBody, Strict, Time } from '../wire/shapes.ts';
import type { AccountErasure } from './account-erasure.ts';
import { exportAccount } from './account-export.ts';
import type { Clock } from './auth-logger.ts';
import type { Revocations } from './revocations.ts';
import { sessionCookieName, sessionCookieOptions } from './web-session-plugin.ts';

/** Collaborators of {@link meRoutes}. */
export interface MeRoutesDeps {
  readonly config: Pick<Config, 'secure' | 'webSessions'>;
  readonly store: Store;
  readonly erasure: AccountErasure;
  readonly revocations: Revocations;
  readonly clock: Clock;
}

const UserShape = Strict(
  {
    id: Type.String({ description: "GitHub's numeric id" }),
    login: Type.String(),
    name: Nullable(Type.String()),
    avatarUrl: Nullable(Type.String()),
    createdAt: Time,
  },
  { title: 'User', description: 'A person' },
);

const tags = ['account'];

type Scope = Parameters<FastifyPluginAsyncTypebox>[0];

/** The routes, for the guarded scope. */
export function meRoutes(deps: MeRoutesDeps): FastifyPluginAsyncTypebox {
  return async (scope) => {
    showMe(scope, deps);
    exportMe(scope, deps);
    eraseMe(scope, deps);
  };
}

function showMe(scope: Scope, { store }: MeRoutesDeps): void {
  const schema = { summary: 'Who I am', tags, response: { 200: UserShape, ...problems } };
  scope.get('/api/me', { config: { scope: 'account:read' }, schema }, async (request) => {
    const user = await store.users.find(request.principal.userId);
    if (user === null) throw new GatewayError('unauthenticated', 'This account is gone.');
    const { id, login, name, avatarUrl, createdAt } = user;
    return { id, login, name, avatarUrl, createdAt: isoTime(createdAt) };
  });
}

function exportMe(scope: Scope, { config, store, revocations, clock }: MeRoutesDeps): void {
  const schema = {
    summary: 'Everything stored about me, one JSON value per line',
    tags,
    response: { 200: StreamBody, ...problems },
  };
  scope.get('/api/me/export', { config: { sessionOnly: true }, schema }, async (request, reply) => {
    const signal = revocations.signalFor(request.principal, reply.raw);
    const { idleMs } = config.webSessions;
    const lines = exportAccount(store, request.principal.userId, { now: clock(), idleMs, signal });
    reply.header('content-type', 'application/x-ndjson; charset=utf-8');
    reply.header('content-disposition', 'attachment; filename="pilothouse-export.jsonl"');
    reply.header('cache-control', 'no-store');
    return reply.send(Readable.from(lines, { objectMode: false }));
  });
}

function eraseMe(scope: Scope, { config, erasure }: MeRoutesDeps): void {
  const schema = { summary: 'Erase me and everything of mine', tags, response: { 204: Type.Null(), ...problems } };
  scope.delete('/api/me', { config: { sessionOnly: true }, schema }, async (request, reply) => {
    await erasure.erase(request.principal.userId);
    await request.session.destroy();
    reply.clearCookie(sessionCookieName(config), sessionCookieOptions(config));
    return reply.code(204).send(null);
  });
}
