/** `/api/me`: who I am, everything stored about me, and its erasure. */
import { Readable } from 'node:stream';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import { isoTime, Nullable, problems, Strict, Time } from '../wire/shapes.ts';
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
  { description: 'A person' },
);

/** The routes, for the guarded scope. */
export function meRoutes({ config, store, erasure, revocations, clock }: MeRoutesDeps): FastifyPluginAsyncTypebox {
  return async (scope) => {
    scope.get(
      '/api/me',
      {
        config: { scope: 'account:read' },
        schema: { summary: 'Who I am', tags: ['account'], response: { 200: UserShape, ...problems } },
      },
      async (request) => {
        const user = await store.users.find(request.principal.userId);
        if (user === null) throw new GatewayError('unauthenticated', 'This account is gone.');
        const { id, login, name, avatarUrl, createdAt } = user;
        return { id, login, name, avatarUrl, createdAt: isoTime(createdAt) };
      },
    );

    scope.get(
      '/api/me/export',
      {
        config: { sessionOnly: true },
        schema: { summary: 'Everything stored about me, one JSON value per line', tags: ['account'] },
      },
      async (request, reply) => {
        const revoked = revocations.signalFor(request.principal, reply.raw);
        const lines = exportAccount(store, request.principal.userId, {
          now: clock(),
          idleMs: config.webSessions.idleMs,
          signal: revoked,
        });
        reply.header('content-type', 'application/x-ndjson; charset=utf-8');
        reply.header('content-disposition', 'attachment; filename="pilothouse-export.jsonl"');
        reply.header('cache-control', 'no-store');
        return reply.send(Readable.from(lines, { objectMode: false }));
      },
    );

    scope.delete(
      '/api/me',
      {
        config: { sessionOnly: true },
        schema: {
          summary: 'Erase me and everything of mine',
          tags: ['account'],
          response: { 204: Type.Null(), ...problems },
        },
      },
      async (request, reply) => {
        await erasure.erase(request.principal.userId);
        await request.session.destroy();
        reply.clearCookie(sessionCookieName(config), sessionCookieOptions(config));
        return reply.code(204).send(null);
      },
    );
  };
}
