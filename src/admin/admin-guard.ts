/** Who may use the admin API, and in whose name. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { GatewayError } from '../errors.ts';
import { verifyOperatorToken } from './operator-token.ts';

declare const checked: unique symbol;

/** An operator whose token was verified. Only the guard makes one. */
export interface Operator {
  readonly [checked]: true;
  /** As it stands in `ADMIN_USERS`. */
  readonly name: string;
}

export interface GuardParts {
  /** `ADMIN_USERS`. */
  readonly adminUsers: readonly string[];
  /** Current first. */
  readonly operatorKeys: readonly Uint8Array[];
  /** Called with every refusal of a token that was brought. */
  readonly onRefused: (request: FastifyRequest) => Promise<void>;
}

/** Guards `scope`. @returns who asks, for handlers */
export function guardAdmin(scope: FastifyInstance, parts: GuardParts): (request: FastifyRequest) => Operator {
  const operators = new WeakMap<FastifyRequest, Operator>();
  const names = new Set(parts.adminUsers.map((name) => name.toLowerCase()));
  scope.addHook('onRequest', async (request, reply) => {
    void reply.header('cache-control', 'no-store');
    const token = /^bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    const name = token === undefined ? null : await verifyOperatorToken(token, parts.operatorKeys);
    if (name !== null && names.has(name.toLowerCase())) {
      operators.set(request, { name } as Operator);
      return;
    }
    if (token !== undefined) await parts.onRefused(request);
    void reply.header('www-authenticate', 'Bearer realm="pilothouse-admin"');
    throw new GatewayError('unauthenticated', 'Use `npm run admin` on a machine that has the gateway’s configuration.');
  });
  return (request) => {
    const operator = operators.get(request);
    if (operator === undefined) throw new Error(`${request.url} was reached unguarded`);
    return operator;
  };
}
