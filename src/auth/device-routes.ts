/** `/api/me/sessions`: the browsers in which I am signed in. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { Config } from '../config.ts';
import { notFound } from '../errors.ts';
import type { WebSessionRecord } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import { decodeCursor, encodeCursor } from '../wire/cursor.ts';
import { Id, isoTime, Nullable, PageOf, PageQuery, problems, Strict, Time } from '../wire/shapes.ts';
import type { Access } from './access.ts';
import type { Clock } from './auth-logger.ts';
import { sessionCookieName, sessionCookieOptions } from './web-session-plugin.ts';

/** Collaborators of {@link deviceRoutes}. */
export interface DeviceRoutesDeps {
  readonly config: Pick<Config, 'secure' | 'webSessions'>;
  readonly store: Pick<Store, 'webSessions'>;
  readonly access: Access;
  readonly clock: Clock;
}

const DeviceShape = Strict(
  {
    id: Id,
    current: Type.Boolean({ description: 'The one that asks' }),
    userAgent: Nullable(Type.String()),
    address: Nullable(Type.String()),
    createdAt: Time,
    lastSeenAt: Time,
    expiresAt: Type.String({ format: 'date-time', description: 'When it ends unless it is used before' }),
  },
  { title: 'Session', description: 'A browser that is signed in' },
);
const CursorKey = Type.Tuple([Type.Integer(), Type.String()]);
const tags = ['account'];

type Scope = Parameters<FastifyPluginAsyncTypebox>[0];

/** The routes, for the guarded scope. */
export function deviceRoutes(deps: DeviceRoutesDeps): FastifyPluginAsyncTypebox {
  return async (scope) => {
    listDevices(scope, deps);
    endDevice(scope, deps);
    endEverywhere(scope, deps);
  };
}

function listDevices(scope: Scope, { config, store, clock }: DeviceRoutesDeps): void {
  const schema = {
    summary: 'Where I am signed in, newest first',
    tags,
    querystring: Strict(PageQuery),
    response: { 200: PageOf(DeviceShape), ...problems },
  };
  scope.get('/api/me/sessions', { config: { sessionOnly: true }, schema }, async (request) => {
    const { userId, proof } = request.principal;
    const { idleMs } = config.webSessions;
    const current = proof.kind === 'session' ? proof.sessionId : null;
    const { items, next } = page(await store.webSessions.list(userId, clock(), idleMs), request.query);
    return { items: items.map((record) => deviceOf(record, current, idleMs)), nextCursor: encodeCursor(next) };
  });
}

function endDevice(scope: Scope, { config, access }: DeviceRoutesDeps): void {
  const schema = {
    summary: 'End one',
    tags,
    params: Strict({ id: Id }),
    response: { 204: Type.Null(), ...problems },
  };
  scope.delete('/api/me/sessions/:id', { config: { sessionOnly: true }, schema }, async (request, reply) => {
    const { userId, proof } = request.principal;
    if (!(await access.endSession(userId, request.params.id))) throw notFound('session');
    if (proof.kind === 'session' && proof.sessionId === request.params.id) {
      reply.clearCookie(sessionCookieName(config), sessionCookieOptions(config));
    }
    return reply.code(204).send(null);
  });
}

function endEverywhere(scope: Scope, { config, access }: DeviceRoutesDeps): void {
  const schema = {
    summary: 'Sign out everywhere',
    description: 'Ends every browser session, this one too, every API token, running turns and open streams.',
    tags,
    response: { 204: Type.Null(), ...problems },
  };
  scope.delete('/api/me/sessions', { config: { sessionOnly: true }, schema }, async (request, reply) => {
    await access.endAll(request.principal.userId);
    reply.clearCookie(sessionCookieName(config), sessionCookieOptions(config));
    return reply.code(204).send(null);
  });
}

/** A person has a handful of sessions: the store gives all, the page is cut here. */
function page(
  records: readonly WebSessionRecord[],
  { limit = 25, cursor }: { limit?: number; cursor?: string },
): { items: WebSessionRecord[]; next: [number, string] | null } {
  const sorted = records.toSorted((a, b) => b.createdAt - a.createdAt || (a.publicId < b.publicId ? 1 : -1));
  const [time, id] = cursor === undefined ? [Number.POSITIVE_INFINITY, ''] : decodeCursor(CursorKey, cursor);
  const rest = sorted.filter(
    (record) => record.createdAt < time || (record.createdAt === time && record.publicId < id),
  );
  const items = rest.slice(0, limit);
  const last = items.at(-1);
  return { items, next: last !== undefined && rest.length > limit ? [last.createdAt, last.publicId] : null };
}

function deviceOf(record: WebSessionRecord, current: string | null, idleMs: number) {
  return {
    id: record.publicId,
    current: record.publicId === current,
    userAgent: record.userAgent,
    address: record.address,
    createdAt: isoTime(record.createdAt),
    lastSeenAt: isoTime(record.lastSeenAt),
    expiresAt: isoTime(Math.min(record.expiresAt, record.lastSeenAt + idleMs)),
  };
}
