/** Where this room meets Fastify: the public scope of sign-in, and the guard of everything else. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { Authenticator } from './authenticate.ts';
import { type DeviceRoutesDeps, deviceRoutes } from './device-routes.ts';
import { type MeRoutesDeps, meRoutes } from './me-routes.ts';
import { requireDeclaration } from './route-scopes.ts';
import { type SignInRoutesDeps, signInRoutes } from './sign-in-routes.ts';
import { hasBearer, useWebSessions, type WebSessionDeps } from './web-session-plugin.ts';

/** The parts of this room that routes and hooks are made of. */
export interface AuthParts extends WebSessionDeps, SignInRoutesDeps, MeRoutesDeps, DeviceRoutesDeps {
  readonly config: Config;
  readonly store: Store;
  readonly authenticator: Authenticator;
}

/** Adds sign-in and logout to a public scope of their own. */
export async function registerSignIn(scope: FastifyInstance, parts: AuthParts): Promise<void> {
  await useWebSessions(scope, parts);
  await signInRoutes(scope, parts);
}

/** Adds `/api/me…` to a guarded scope. */
export function registerAccountRoutes(scope: FastifyInstance, parts: AuthParts): void {
  void scope.register(meRoutes(parts));
  void scope.register(deviceRoutes(parts));
}

/** Is told of every request that proved nobody, before it is refused. What it throws is what the caller hears instead. */
export type OnStranger = (request: FastifyRequest) => Promise<void>;

/** Lets only checked requests reach the routes of `scope`, and only routes that say what they need. */
export async function guardScope(scope: FastifyInstance, parts: AuthParts, onStranger?: OnStranger): Promise<void> {
  const { authenticator } = parts;
  // A program that brings its API token pays for no session, nor does whoever was checked a moment ago.
  await useWebSessions(scope, parts, (request) => authenticator.recognises(request) || hasBearer(request));
  scope.decorateRequest('principal', {
    getter(this: FastifyRequest) {
      const principal = authenticator.principalOf(this);
      if (principal === null) {
        throw new Error(`${this.method} ${this.routeOptions.url} reads the principal before it was checked`);
      }
      return principal;
    },
  });
  scope.addHook('onRoute', requireDeclaration);
  scope.addHook('onRequest', async (request, reply) => {
    try {
      await authenticator.check(request, reply);
    } catch (error) {
      if (error instanceof GatewayError && error.code === 'unauthenticated') await onStranger?.(request);
      throw error;
    }
  });
}
