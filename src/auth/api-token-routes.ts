/** `/api/tokens`: a person makes, lists and revokes tokens for programs, in a browser only; and the public keys. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { notFound } from '../errors.ts';
import { SCOPES } from '../principal.ts';
import type { ApiTokenRecord } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import { decodeCursor, encodeCursor } from '../wire/cursor.ts';
import { Id, isoTime, isoTimeOrNull, Nullable, PageOf, PageQuery, problems, Strict, Time } from '../wire/shapes.ts';
import { type ApiTokenKeys, LONGEST_TOKEN_DAYS } from './api-token-keys.ts';
import type { ApiTokens } from './api-tokens.ts';
import type { Revocations } from './revocations.ts';

/** Collaborators of {@link apiTokenRoutes}. */
export interface ApiTokenRoutesDeps {
  readonly tokens: ApiTokens;
  readonly store: Pick<Store, 'apiTokens'>;
  readonly revocations: Revocations;
}

const ScopeShape = Type.Enum([...SCOPES]);

const NewToken = Strict({
  name: Type.String({ minLength: 1, maxLength: 100, pattern: '\\S', description: 'To know it again in the list' }),
  expiresInDays: Type.Optional(
    Type.Integer({ minimum: 1, maximum: LONGEST_TOKEN_DAYS, default: 90, description: '1–365, default 90' }),
  ),
  scopes: Type.Array(ScopeShape, { minItems: 1, maxItems: SCOPES.length, description: 'What it may do' }),
});

const tokenFields = {
  id: Type.String(),
  name: Type.String(),
  scopes: Type.Array(ScopeShape),
  createdAt: Time,
  expiresAt: Time,
  lastUsedAt: Nullable(Time),
};
const TokenShape = Type.Object(tokenFields, { title: 'ApiToken' });
const MadeToken = Type.Object(
  { ...tokenFields, token: Type.String({ description: 'The secret: shown only here' }) },
  { title: 'NewApiToken' },
);

const DEFAULT_DAYS = 90;

const CreationKeyShape = Type.Object({ createdAt: Type.Integer(), id: Type.String() });

/** The routes, for the guarded scope. */
export function apiTokenRoutes(deps: ApiTokenRoutesDeps): FastifyPluginAsyncTypebox {
  return async (scope) => {
    scope.post(
      '/api/tokens',
      {
        config: { sessionOnly: true },
        schema: {
          summary: 'Make an API token',
          tags: ['tokens'],
          body: NewToken,
          response: { 201: MadeToken, ...problems },
        },
      },
      async (request, reply) => {
        const { name, scopes, expiresInDays = DEFAULT_DAYS } = request.body;
        const { userId } = request.principal;
        const { record, token } = await deps.tokens.issue({ userId, name: name.trim(), scopes, expiresInDays });
        return reply.code(201).send({ ...tokenView(record), token });
      },
    );
    scope.get(
      '/api/tokens',
      {
        config: { sessionOnly: true },
        schema: {
          summary: 'List API tokens, newest first',
          tags: ['tokens'],
          querystring: Strict(PageQuery),
          response: { 200: PageOf(TokenShape), ...problems },
        },
      },
      async (request) => {
        const { limit = 25, cursor } = request.query;
        const page = await deps.store.apiTokens.list(request.principal.userId, {
          limit,
          ...(cursor === undefined ? {} : { after: decodeCursor(CreationKeyShape, cursor) }),
        });
        return { items: page.items.map(tokenView), nextCursor: encodeCursor(page.next) };
      },
    );
    revokeRoute(scope, deps);
  };
}

function revokeRoute(
  scope: Parameters<FastifyPluginAsyncTypebox>[0],
  { store, revocations }: ApiTokenRoutesDeps,
): void {
  scope.delete(
    '/api/tokens/:id',
    {
      config: { sessionOnly: true },
      schema: {
        summary: 'Revoke an API token: its requests and streams end',
        tags: ['tokens'],
        params: Type.Object({ id: Id }),
        response: { 204: Type.Null(), ...problems },
      },
    },
    async (request, reply) => {
      const { userId } = request.principal;
      const { id } = request.params;
      if (!(await store.apiTokens.delete(userId, id))) throw notFound('API token');
      revocations.emit({ userId, tokenId: id });
      return reply.code(204).send(null);
    },
  );
}

const JwksShape = Type.Object({ keys: Type.Array(Type.Object({}, { additionalProperties: true })) });

/** How long others may keep the keys, in seconds: short beside the months that a key signs. */
const JWKS_SECONDS = 300;

/** The public keys of API tokens, for the public scope (RFC 7517). */
export function apiTokenKeyRoutes(keys: ApiTokenKeys): FastifyPluginAsyncTypebox {
  return async (scope) => {
    scope.get(
      '/.well-known/jwks.json',
      {
        schema: {
          summary: 'Public keys that API tokens are signed with',
          tags: ['tokens'],
          security: [],
          response: { 200: JwksShape, ...problems },
        },
      },
      async (_request, reply) => {
        void reply.header('cache-control', `public, max-age=${JWKS_SECONDS}`);
        return { keys: await keys.publicKeys() };
      },
    );
  };
}

function tokenView({ id, name, scopes, createdAt, expiresAt, lastUsedAt }: ApiTokenRecord) {
  return {
    id,
    name,
    scopes,
    createdAt: isoTime(createdAt),
    expiresAt: isoTime(expiresAt),
    lastUsedAt: isoTimeOrNull(lastUsedAt),
  };
}
