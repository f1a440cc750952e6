/** Cookies and web sessions for one scope of routes, by `@fastify/session`, with its defects worked around (D13, D14). */
import cookie, { type CookieSerializeOptions } from '@fastify/cookie';
import fastifySession, { type FastifySessionOptions } from '@fastify/session';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../config.ts';
import type { WebSessionRepository } from '../store/store.ts';
import type { Clock } from './auth-logger.ts';
import { deriveKey } from './keyring.ts';
import type { RecentChecks } from './recent-checks.ts';
import { DatabaseSessionStore } from './session-store.ts';

/** Collaborators of {@link useWebSessions}. */
export interface WebSessionDeps {
  readonly config: Pick<Config, 'secure' | 'webSessions'>;
  readonly sessionSecrets: readonly string[];
  readonly store: { readonly webSessions: WebSessionRepository };
  readonly recent: RecentChecks;
  readonly clock: Clock;
}

/** `__Host-` makes browsers insist on https, this host and no other, and Path=/. */
export function sessionCookieName(config: Pick<Config, 'secure'>): string {
  return config.secure ? '__Host-sid' : 'sid';
}

/** What the session cookie looks like, on setting and on clearing: a browser ignores a `__Host-` one that lacks any of it. */
export function sessionCookieOptions(config: Pick<Config, 'secure'>): CookieSerializeOptions {
  return { httpOnly: true, sameSite: 'lax', path: '/', secure: config.secure };
}

/** Whether the request brings an API token, and so has no use for a session. */
export function hasBearer(request: FastifyRequest): boolean {
  return /^bearer(\s|$)/i.test(request.headers.authorization ?? '');
}

/** Whether the request brings our cookie, valid or not. */
export function hasSessionCookie(request: FastifyRequest, config: Pick<Config, 'secure'>): boolean {
  return sessionCookies(request, config).length > 0;
}

/** Our cookie as it was sent, valid or not; null: there is none, or more than one. */
export function sessionCookieOf(request: FastifyRequest, config: Pick<Config, 'secure'>): string | null {
  const [cookie = null, ...more] = sessionCookies(request, config);
  return more.length === 0 ? cookie : null;
}

/** As `@fastify/cookie` finds them: it takes the space around a name away. */
function sessionCookies({ headers }: FastifyRequest, config: Pick<Config, 'secure'>): string[] {
  const name = sessionCookieName(config);
  const pairs = headers.cookie?.split(';') ?? [];
  return pairs
    .filter((pair) => pair.split('=', 1)[0]?.trim() === name && pair.includes('='))
    .map((pair) => pair.trim());
}

type SessionHook = (request: FastifyRequest, reply: FastifyReply, ...rest: unknown[]) => void;

/**
 * Gives the routes of `scope` `request.session`. Requests that `skip` picks go without, and with `null`: a session, even an
 * empty one, costs two signatures and three hashes.
 */
export async function useWebSessions(
  scope: FastifyInstance,
  deps: WebSessionDeps,
  skip: (request: FastifyRequest) => boolean = () => false,
): Promise<void> {
  if (!scope.hasReplyDecorator('setCookie')) await scope.register(cookie);
  const { config, store, clock } = deps;
  const options: FastifySessionOptions = {
    secret: deps.sessionSecrets.map((secret) => Buffer.from(deriveKey(secret, 'web-session')).toString('base64url')),
    store: new DatabaseSessionStore(store.webSessions, { limits: config.webSessions, recent: deps.recent, clock }),
    cookieName: sessionCookieName(config),
    // `secure: false` keeps the plugin from dropping the cookie silently where TLS ends before us; `withCookieOptions`
    // puts the attribute back, by PUBLIC_URL.
    cookie: { ...sessionCookieOptions(config), secure: false, maxAge: config.webSessions.maxMs } as NonNullable<
      FastifySessionOptions['cookie']
    >,
    saveUninitialized: false,
    rolling: false,
  };
  await registerAround(scope, options, { skip, reply: (reply) => withCookieOptions(reply, config) });
  scope.addHook('onRequest', async (request) => signAnew(request, config, clock()));
}

/** What is changed about the hooks of `@fastify/session`: whom they pass by, and the reply they get. */
interface Around {
  readonly skip: (request: FastifyRequest) => boolean;
  readonly reply: (reply: FastifyReply) => FastifyReply;
}

/** Registers `@fastify/session` in this very scope with its hooks changed, which it has no option for. */
async function registerAround(scope: FastifyInstance, options: FastifySessionOptions, around: Around): Promise<void> {
  const facade = {
    decorate: () => facade, // `decryptSession`: nobody needs it
    decorateRequest: scope.decorateRequest.bind(scope),
    addHook: (name: string, hook: SessionHook) => {
      if (name === 'onRequest') {
        scope.addHook('onRequest', (request, reply, done) => {
          if (around.skip(request)) done();
          else hook(request, around.reply(reply), done);
        });
      } else if (name === 'onSend') {
        // It lets those go who have no session.
        scope.addHook('onSend', (request, reply, payload, done) => hook(request, around.reply(reply), payload, done));
      } else {
        throw new Error(`@fastify/session has a hook this file does not know: ${name}`);
      }
      return facade;
    },
  };
  await new Promise<void>((resolve, reject) => {
    fastifySession(facade as unknown as FastifyInstance, options, (error) => (error ? reject(error) : resolve()));
  });
}

/** The part of a reply that `@fastify/session` uses, with our cookie attributes: 11.1.3 clears without `Secure`. */
function withCookieOptions(reply: FastifyReply, config: Pick<Config, 'secure'>): FastifyReply {
  const fixed = sessionCookieOptions(config);
  return {
    setCookie: (name: string, value: string, given: CookieSerializeOptions) =>
      reply.setCookie(name, value, { ...(given.expires ? { expires: new Date(given.expires) } : {}), ...fixed }),
    clearCookie: (name: string) => reply.clearCookie(name, fixed),
  } as unknown as FastifyReply;
}

/**
 * D13: a session that came under an old secret would be served once and then have its cookie deleted. Marked as changed, it
 * is saved, and its cookie is set under the current secret.
 */
function signAnew(request: FastifyRequest, config: Pick<Config, 'secure'>, now: number): void {
  const session: FastifyRequest['session'] | null = request.session;
  if (session?.createdAt === undefined) return;
  const cookieValue = request.cookies[sessionCookieName(config)];
  if (cookieValue !== undefined && cookieValue !== session.encryptedSessionId) session.signedAt = now;
}
