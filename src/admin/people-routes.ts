/** `/admin/users`: find people, block, unblock, sign out everywhere. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { GatewayError, notFound } from '../errors.ts';
import type { UserRecord } from '../store/records.ts';
import { decodeCursor, encodeCursor } from '../wire/cursor.ts';
import { Id, isoTime, isoTimeOrNull, PageQuery, Strict } from '../wire/shapes.ts';
import type { Operator } from './admin-guard.ts';
import type { AdminAct, AdminPorts } from './admin-ports.ts';

const PeopleQuery = Strict({
  ...PageQuery,
  login: Type.Optional(Type.String({ maxLength: 100, description: 'How the login begins' })),
});
const PersonParams = Type.Object({ userId: Id });

type OperatorOf = (request: FastifyRequest) => Operator;

/** One act on a person: what it is called, and what it does. */
interface Act {
  readonly action: AdminAct;
  readonly run: (ports: AdminPorts, userId: string) => Promise<void>;
}

const ACTS: Readonly<Record<string, Act>> = {
  block: {
    action: 'admin.user.block',
    run: async ({ store, endAccess, clock }, userId) => {
      // First the block, so that nobody signs in between.
      await store.users.setBlocked(userId, clock());
      await endAccess(userId, new GatewayError('account_blocked', 'An operator has blocked this account.'));
    },
  },
  unblock: {
    action: 'admin.user.unblock',
    run: ({ store }, userId) => store.users.setBlocked(userId, null),
  },
  revoke: {
    action: 'admin.user.revoke',
    run: ({ endAccess }, userId) =>
      endAccess(userId, new GatewayError('unauthenticated', 'An operator has signed you out. Sign in again.')),
  },
};

export function peopleRoutes(app: FastifyInstance, ports: AdminPorts, operatorOf: OperatorOf): void {
  app.get('/admin/users', { schema: { querystring: PeopleQuery, hide: true } }, async (request) => {
    const { limit = 25, cursor, login } = request.query as Static<typeof PeopleQuery>;
    const people = await ports.store.people.list({
      limit: limit + 1,
      ...(login === undefined ? {} : { login }),
      ...(cursor === undefined ? {} : { after: decodeCursor(Type.String(), cursor) }),
    });
    const page = people.slice(0, limit);
    const items = page.map((person) => ({ ...personView(person), lastSeenAt: isoTimeOrNull(person.lastSeenAt) }));
    return { items, nextCursor: people.length > limit ? encodeCursor(page.at(-1)?.id) : null };
  });
  for (const [verb, { action, run }] of Object.entries(ACTS)) {
    app.post(`/admin/users/:userId/${verb}`, { schema: { params: PersonParams, hide: true } }, async (request) => {
      const { userId } = request.params as Static<typeof PersonParams>;
      if ((await ports.store.users.find(userId)) === null) throw notFound('user');
      await run(ports, userId);
      await ports.audit({ action, actor: `admin:${operatorOf(request).name}`, subject: userId, request });
      const person = await ports.store.users.find(userId);
      if (person === null) throw notFound('user');
      return personView(person);
    });
  }
}

function personView({ id, login, name, createdAt, blockedAt }: UserRecord) {
  return { id, login, name, createdAt: isoTime(createdAt), blockedAt: isoTimeOrNull(blockedAt) };
}
