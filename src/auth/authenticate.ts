/** The one place that takes a credential from a request and turns it into a `Principal`. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import { type Principal, principal } from '../principal.ts';
import type { UserRecord } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import type { AuthLogger, Clock } from './auth-logger.ts';
import type { RecentChecks } from './recent-checks.ts';
import { assertScope } from './route-scopes.ts';
import { assertSameOrigin } from './same-origin.ts';
import { hashSessionId } from './session-store.ts';
import type { TokenVerifier } from './token-verifier.ts';
import { hasBearer, hasSessionCookie, sessionCookieOf } from './web-session-plugin.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who is asking. Reading it on a route outside the guarded scope throws. */
    readonly principal: Principal;
  }
}

/** Collaborators of {@link Authenticator}. */
export interface AuthenticatorDeps {
  readonly config: Pick<Config, 'secure' | 'publicUrl'>;
  readonly store: Pick<Store, 'users' | 'webSessions'>;
  /** Null: API tokens are not accepted. */
  readonly tokenVerifier: TokenVerifier | null;
  readonly recent: RecentChecks;
  readonly logger: AuthLogger;
  readonly clock: Clock;
}

/** A session's last use is written down at most this often; milliseconds (D14). */
const TOUCH_MS = 5 * 60_000;

/** Characters of the headers that prove somebody, to be remembered: a part of a header keeps all of it in memory. */
const LONGEST_PROOF = 2_048;

/** Checks requests, and remembers the outcome of each as long as the request lives. */
export class Authenticator {
  readonly #deps: AuthenticatorDeps;
  readonly #principals = new WeakMap<FastifyRequest, Principal>();
  readonly #recognised = new WeakMap<FastifyRequest, Principal>();
  readonly #keep = new WeakMap<FastifyRequest, (found: Principal) => void>();

  constructor(deps: AuthenticatorDeps) {
    this.#deps = deps;
  }

  /** The principal of a checked request; null when it was not checked. */
  principalOf(request: FastifyRequest): Principal | null {
    return this.#principals.get(request) ?? null;
  }

  /** For the log: who proved themselves, whether or not the request was allowed then. */
  userIdOf(request: FastifyRequest): string | null {
    return this.#recognised.get(request)?.userId ?? null;
  }

  /**
   * Whether the request brings what was good a moment ago: it needs no session then, and {@link check} asks nobody. Call it
   * before the session is read: what ends from here on is not remembered.
   */
  recognises(request: FastifyRequest): boolean {
    const { recent, clock } = this.#deps;
    const proof = this.#proofOf(request);
    if (proof === null) return false;
    const found = recent.find(proof, clock());
    if (found === null) this.#keep.set(request, recent.begin(proof, clock()));
    else this.#recognised.set(request, found);
    return found !== null;
  }

  /**
   * The `onRequest` hook of guarded routes, before anything of the body is read.
   * @throws GatewayError `unauthenticated`, `ambiguous_credentials`, `account_blocked`, `insufficient_scope`, `forbidden`,
   * `cross_origin_refused`
   */
  async check(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { publicUrl } = this.#deps.config;
    const found = this.#recognised.get(request) ?? (await this.#authenticate(request));
    if (found === null) {
      // Awaited until it is on its way: Fastify runs the hooks and the handler that follow as long as it is not.
      if (isNavigation(request)) return await leadToSignIn(request, reply);
      reply.header('www-authenticate', challenge(hasBearer(request) ? 'invalid_token' : null));
      throw new GatewayError('unauthenticated', 'Sign in, or send an API token as `Authorization: Bearer …`.');
    }
    this.#recognised.set(request, found);
    if (found.proof.kind === 'session') {
      assertSameOrigin({ method: request.method, headers: request.headers, publicUrl });
    }
    assertScope(found, request.routeOptions.config, reply);
    this.#principals.set(request, found);
  }

  async #authenticate(request: FastifyRequest): Promise<Principal | null> {
    if (hasBearer(request) && hasSessionCookie(request, this.#deps.config)) {
      throw new GatewayError('ambiguous_credentials', 'Send either the session cookie or an API token, not both.');
    }
    const found = hasBearer(request) ? await this.#byToken(request) : await this.#bySession(request);
    if (found !== null) this.#keep.get(request)?.(found);
    return found;
  }

  /** What the request brings of itself; null: nothing, several things, too much, or its route works on the session itself. */
  #proofOf(request: FastifyRequest): string | null {
    if (request.routeOptions.config.sessionOnly === true) return null;
    const { cookie: cookies = '', authorization = '' } = request.headers;
    if (cookies.length + authorization.length > LONGEST_PROOF) return null;
    const cookie = sessionCookieOf(request, this.#deps.config);
    if (!hasBearer(request)) return cookie;
    return hasSessionCookie(request, this.#deps.config) ? null : (request.headers.authorization ?? null);
  }

  async #bySession(request: FastifyRequest): Promise<Principal | null> {
    const { store, clock } = this.#deps;
    const { userId, publicId, createdAt, lastSeenAt, sessionId } = request.session;
    if (userId === undefined || publicId === undefined || createdAt === undefined) return null;
    const user = await store.users.find(userId);
    if (user === null || createdAt < user.validAfter) return null;
    assertNotBlocked(user);
    const now = clock();
    if (lastSeenAt === undefined || now - lastSeenAt >= TOUCH_MS) await this.#touch(sessionId, now);
    return principal({ userId, login: user.login, proof: { kind: 'session', sessionId: publicId } });
  }

  async #touch(sessionId: string, now: number): Promise<void> {
    try {
      await this.#deps.store.webSessions.touch(hashSessionId(sessionId), now);
    } catch (error) {
      // Reading works, writing does not: the request may still be served; the next one touches again.
      this.#deps.logger.warn({ err: error }, 'The last use of a web session could not be written down');
    }
  }

  async #byToken(request: FastifyRequest): Promise<Principal | null> {
    const token = /^bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (token === undefined || this.#deps.tokenVerifier === null) return null;
    const found = await this.#deps.tokenVerifier.verify(token);
    if (found === null) return null;
    const user = await this.#deps.store.users.find(found.userId);
    if (user === null) return null;
    assertNotBlocked(user);
    return found;
  }
}

function assertNotBlocked(user: UserRecord): void {
  if (user.blockedAt !== null) throw new GatewayError('account_blocked', 'An operator has blocked this account.');
}

/** A person opening a page, as opposed to a program or a page's own script asking for data. */
function isNavigation({ method, headers }: FastifyRequest): boolean {
  if (method !== 'GET' || headers.authorization !== undefined) return false;
  const mode = headers['sec-fetch-mode'];
  return mode === undefined ? acceptsHtml(headers.accept) : mode === 'navigate';
}

/** Whether HTML is asked for by name: programs send `*∕*` or JSON. */
export function acceptsHtml(accept: string | undefined): boolean {
  return accept?.toLowerCase().includes('text/html') ?? false;
}

async function leadToSignIn(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  reply.header('cache-control', 'no-store');
  await reply.redirect(`/auth/github?returnTo=${encodeURIComponent(request.url)}`, 302);
}

/** RFC 6750 section 3. */
function challenge(error: string | null): string {
  return error === null ? 'Bearer realm="pilothouse"' : `Bearer realm="pilothouse", error="${error}"`;
}
