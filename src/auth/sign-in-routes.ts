/** `GET /auth/github`, `GET /auth/github/callback`, `POST /auth/logout`. */
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import { problems } from '../wire/shapes.ts';
import type { Access } from './access.ts';
import type { Clock } from './auth-logger.ts';
import { acceptsHtml } from './authenticate.ts';
import { CALLBACK_PATH, CodeFlow } from './code-flow.ts';
import { takePending, UsedStates, withPending } from './pending-sign-ins.ts';
import { returnPath } from './return-path.ts';
import { assertSameOrigin } from './same-origin.ts';
import type { PendingSignIn } from './session-store.ts';
import type { SignIn } from './sign-in.ts';
import { deniedAtGitHub, expired } from './sign-in-errors.ts';
import { SIGN_IN_PAGE_HEADERS, signInPage } from './sign-in-page.ts';
import { sessionCookieName, sessionCookieOptions } from './web-session-plugin.ts';

/** Collaborators of {@link signInRoutes}. */
export interface SignInRoutesDeps {
  readonly config: Pick<Config, 'github' | 'publicUrl' | 'secure'>;
  readonly signIn: SignIn;
  readonly access: Access;
  readonly clock: Clock;
  readonly deadlineMs: number | undefined;
}

/** The longest user agent that is kept for the list of devices. */
const USER_AGENT_LENGTH = 300;

const tags = ['sign-in'];
// Parameters are read by hand: one that is doubled counts for nothing, which a schema cannot say.
const START = {
  summary: 'Start to sign in with GitHub',
  tags,
  response: { 302: Type.Null({ description: 'To GitHub, with state and PKCE' }), ...problems },
};
const FINISH = {
  summary: 'Come back from GitHub',
  tags,
  response: { 302: Type.Null({ description: 'Signed in, in a new session: to `returnTo`' }), ...problems },
};
const LOGOUT = {
  summary: 'Sign out of this browser',
  tags,
  response: { 204: Type.Null({ description: 'Signed out, as before' }), ...problems },
};

/** Adds the routes to `scope`, which has web sessions. */
export async function signInRoutes(scope: FastifyInstance, deps: SignInRoutesDeps): Promise<void> {
  const { config, clock, deadlineMs } = deps;
  const flow = await CodeFlow.register(scope, {
    github: config.github,
    publicUrl: config.publicUrl,
    clock,
    deadlineMs,
  });
  const used = new UsedStates();
  const destinations: Destinations = new WeakMap();
  scope.setErrorHandler((error: FastifyError | GatewayError, request, reply) =>
    answerError(error, request, reply, destinations.get(request)),
  );
  scope.addHook('onRequest', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
  });
  const hidden = { exposeHeadRoute: false };
  scope.get('/auth/github', { ...hidden, schema: START }, (request, reply) =>
    start(request, reply, { flow, clock, destinations }),
  );
  scope.get(CALLBACK_PATH, { ...hidden, schema: FINISH }, (request, reply) =>
    finish(request, reply, { flow, used, destinations, ...deps }),
  );
  scope.post('/auth/logout', { schema: LOGOUT }, (request, reply) => logout(request, reply, deps));
}

/** Where sign-ins lead that are at work now, so that another try after an error leads there as well. */
type Destinations = WeakMap<FastifyRequest, string>;

async function start(
  request: FastifyRequest,
  reply: FastifyReply,
  { flow, clock, destinations }: { flow: CodeFlow; clock: Clock; destinations: Destinations },
): Promise<FastifyReply> {
  const returnTo = returnPath(single(request, 'returnTo'));
  destinations.set(request, returnTo);
  const { url, state, verifier } = await flow.start(request);
  request.session.signIns = withPending(request.session.signIns ?? [], {
    state,
    verifier,
    returnTo,
    startedAt: clock(),
  });
  return reply.redirect(url, 302);
}

interface Finishing {
  readonly flow: CodeFlow;
  readonly used: UsedStates;
  readonly destinations: Destinations;
}

async function finish(
  request: FastifyRequest,
  reply: FastifyReply,
  { flow, used, destinations, signIn, clock }: SignInRoutesDeps & Finishing,
): Promise<FastifyReply> {
  const pending = await takeFromSession(request, used, clock());
  destinations.set(request, pending.returnTo);
  const error = single(request, 'error');
  if (error !== null) throw deniedAtGitHub(/^[a-z_]{1,64}$/.test(error) ? error : 'unknown');
  const code = single(request, 'code');
  if (code === null || code === '') throw expired();
  const tokens = await flow.redeem(code, pending);
  const user = await signIn.admit(tokens);
  await openSession(request, user.id);
  request.log.info({ userId: user.id }, 'signed in');
  return reply.redirect(pending.returnTo, 302);
}

/** Finds the sign-in that this callback belongs to and uses it up, in the store too, before anything else happens. */
async function takeFromSession(request: FastifyRequest, used: UsedStates, now: number): Promise<PendingSignIn> {
  const { session } = request;
  const taken = takePending(session.signIns ?? [], single(request, 'state') ?? '', now);
  if (taken === null || !used.claim(taken.pending.state, now)) throw expired();
  session.signIns = taken.rest;
  await session.save();
  return taken.pending;
}

/** A new session id, so that one from before sign-in, whoever planted it, is worth nothing. */
async function openSession(request: FastifyRequest, userId: string): Promise<void> {
  const { session } = request;
  session.userId = userId;
  session.userAgent = request.headers['user-agent']?.slice(0, USER_AGENT_LENGTH) ?? null;
  session.address = request.ip;
  // `regenerate` ends the old one and stores these of its fields under the new id; times and the public id are new.
  await session.regenerate(['userId', 'userAgent', 'address']);
}

/** Final and idempotent: without a session there is nothing to end, and the answer is the same. */
async function logout(request: FastifyRequest, reply: FastifyReply, deps: SignInRoutesDeps): Promise<FastifyReply> {
  const { config, access } = deps;
  assertSameOrigin({ method: request.method, headers: request.headers, publicUrl: config.publicUrl });
  const { userId, publicId } = request.session;
  // First with all that leans on it; `destroy` then makes @fastify/session forget it.
  if (userId !== undefined && publicId !== undefined) await access.endSession(userId, publicId);
  await request.session.destroy();
  // @fastify/session 11.1.3 leaves the cookie where it is (D14).
  reply.clearCookie(sessionCookieName(config), sessionCookieOptions(config));
  return reply.code(204).send();
}

/** A query parameter that stands there exactly once; null: it is missing or doubled, and then none of its values counts. */
function single(request: FastifyRequest, name: string): string | null {
  const query = request.url.indexOf('?');
  const values = new URLSearchParams(query === -1 ? '' : request.url.slice(query + 1)).getAll(name);
  return values.length === 1 ? (values[0] ?? null) : null;
}

/** A person gets a page with a way on; a program gets the problem from the gateway's own error handler. */
function answerError(
  error: FastifyError | GatewayError,
  request: FastifyRequest,
  reply: FastifyReply,
  returnTo = '/',
): FastifyReply {
  if (!acceptsHtml(request.headers.accept) || request.method === 'POST') throw error;
  const known =
    error instanceof GatewayError
      ? error
      : new GatewayError('internal_error', 'Something went wrong on our side. Try again in a moment.', {
          cause: error,
        });
  if (known.status >= 500) request.log.error({ err: known }, 'sign-in failed');
  else request.log.info({ code: known.code, reason: known.extensions.reason }, 'sign-in did not complete');
  if (known.retryAfter !== undefined) reply.header('retry-after', known.retryAfter);
  const retryPath = returnTo === '/' ? '/auth/github' : `/auth/github?returnTo=${encodeURIComponent(returnTo)}`;
  return reply
    .code(known.status)
    .headers(SIGN_IN_PAGE_HEADERS)
    .send(signInPage(known.problem(request.id), retryPath));
}
