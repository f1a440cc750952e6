/**
 * The composition root of HTTP: every registration, in order. A public scope (sign-in, page, health) and a guarded scope
 * that nobody enters unauthenticated. Never listens, never reads the environment.
 */
import rateLimit from '@fastify/rate-limit';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyPluginAsync,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import type { Logger } from 'pino';
import type { Auth } from './auth/open-auth.ts';
import { hasSessionCookie } from './auth/web-session-plugin.ts';
import { registerChatRoutes } from './chats/routes.ts';
import type { RateLimitStoreClass } from './cluster/rate-limit-store.ts';
import type { Config } from './config.ts';
import { GatewayError } from './errors.ts';
import type { Completions } from './openai/completion-run.ts';
import { toldByOpenAi } from './openai/openai-errors.ts';
import { registerOpenAi, registerOpenAiNotFound, sendOpenAiError } from './openai/routes.ts';
import { registerApiDocument } from './ops/api-document.ts';
import { auditRequests } from './ops/audit-requests.ts';
import type { AuditTrail } from './ops/audit-trail.ts';
import { registerHealth } from './ops/health-routes.ts';
import { measureRequests } from './ops/http-metrics.ts';
import type { GatewayMetrics } from './ops/metrics.ts';
import { RequestLog } from './ops/request-log.ts';
import { addSecurityHeaders } from './ops/security-headers.ts';
import type { Runtimes } from './runtimes/runtime-port.ts';
import type { Store } from './store/store.ts';
import type { Tracing } from './tracing/tracing.ts';
import type { TurnEngine } from './turns/turn-engine.ts';
import type { UserEvents } from './turns/user-events.ts';
import { registerUsage } from './usage/usage-routes.ts';
import { registerPage } from './web/page-plugin.ts';
import { clientAddress } from './wire/client-address.ts';
import { answerClientError, frameworkErrors } from './wire/early-refusals.ts';
import type { EventStreams } from './wire/event-stream.ts';
import { acceptOnlyJson } from './wire/json-bodies.ts';
import { cutLateConnections } from './wire/late-connections.ts';
import { lazySerializers } from './wire/lazy-serializers.ts';
import { registerProblems } from './wire/problem-replies.ts';
import { nameResponses, requestId } from './wire/request-ids.ts';
import { compileValidator } from './wire/validation.ts';

/** What the app is composed of; whoever opened them closes them. */
export interface AppDependencies {
  readonly store: Store;
  readonly auth: Auth;
  readonly runtimes: Runtimes;
  readonly engine: TurnEngine;
  readonly completions: Completions;
  readonly userEvents: UserEvents;
  readonly streams: EventStreams;
  readonly metrics: GatewayMetrics;
  readonly tracing: Tracing;
  readonly audit: AuditTrail;
  /** Operators' routes, for this machine only; null: they have a listener of their own. */
  readonly localOps: FastifyPluginAsync | null;
  /** Counts requests together with other instances; null: this process counts in its memory. */
  readonly rateLimitStore: RateLimitStoreClass | null;
  readonly logger: Logger;
  readonly clock: () => number;
}

/** Largest request body in bytes. */
const BODY_LIMIT = 1024 * 1024;

/** How long closing waits for connections, in milliseconds; within what the gateway's grace leaves for closing. */
const LATE_MS = 1_500;

/** The gateway's HTTP side, ready to listen or to be asked by `inject`. */
export async function buildApp(config: Config, deps: AppDependencies): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: deps.logger as FastifyBaseLogger,
    logController: new RequestLog((request) => userOf(request, deps.auth)),
    genReqId: requestId,
    frameworkErrors: frameworkErrors({ '/v1/': (_request, reply, error) => sendOpenAiError(reply, error) }),
    clientErrorHandler: answerClientError,
    bodyLimit: BODY_LIMIT,
    trustProxy: config.trustProxy.length === 0 ? false : [...config.trustProxy],
    // Headers and body must be there within this; the answer may take as long as a turn (D8).
    requestTimeout: 30_000,
    keepAliveTimeout: 72_000,
    forceCloseConnections: 'idle',
    schemaController: lazySerializers(),
    routerOptions: { maxParamLength: 200, ignoreTrailingSlash: false, caseSensitive: true },
  }).withTypeProvider<TypeBoxTypeProvider>();
  app.setValidatorCompiler(compileValidator);
  // First: what refuses a request later is part of its span.
  deps.tracing.traceRequests(app);
  registerProblems(app);
  acceptOnlyJson(app);
  nameResponses(app);
  measureRequests(app, deps.metrics);
  auditRequests(app, deps.audit, (request) => userOf(request, deps.auth));
  addSecurityHeaders(app, securityHeaders(config));
  await registerApiDocument(app, { '/v1/': toldByOpenAi });
  const counting = deps.rateLimitStore === null ? {} : { store: deps.rateLimitStore as never };
  await app.register(rateLimit, { global: false, enableDraftSpec: true, ...counting });
  registerHealth(app, deps);
  if (deps.localOps !== null) await app.register(deps.localOps);
  const publicScope: FastifyPluginAsync = async (scope) => {
    scope.addHook('onRequest', limitByAddress(app, config));
    await deps.auth.registerSignIn(scope);
  };
  const guarded: FastifyPluginAsync = (scope) => guardedScope(scope, config, deps);
  await app.register(publicScope);
  await registerPage(app, {
    imageSources: avatarSources(config),
    hasSession: (request) => hasSessionCookie(request, config),
  });
  await app.register(guarded);
  registerOpenAiNotFound(app);
  app.addHook('preClose', async () => deps.streams.close());
  cutLateConnections(app, LATE_MS);
  return app;
}

async function guardedScope(scope: FastifyInstance, config: Config, deps: AppDependencies): Promise<void> {
  await deps.auth.guard(scope, limitStrangers(scope, config));
  scope.addHook('onRequest', limitByPrincipal(scope, config));
  scope.addHook('onSend', async (_request, reply) => {
    if (!reply.hasHeader('cache-control')) void reply.header('cache-control', 'no-store');
  });
  deps.auth.registerAccountRoutes(scope);
  const routeDeps = {
    ...deps,
    credentials: deps.auth.credentials,
    defaultModel: config.copilot.defaultModel,
    untilRevoked: (request: FastifyRequest, reply: FastifyReply) =>
      deps.auth.revocations.signalFor(request.principal, reply.raw),
  };
  const typed = scope.withTypeProvider<TypeBoxTypeProvider>();
  registerChatRoutes(typed, routeDeps);
  registerUsage(typed, routeDeps);
  registerOpenAi(scope, routeDeps);
}

/** Who asks, for the log and the audit trail: a checked principal, or the person whose browser session it is. */
function userOf(request: FastifyRequest, auth: Auth): string | null {
  // Routes without web sessions have none, whatever the type says.
  const session: FastifyRequest['session'] | null | undefined = request.session;
  return auth.userIdOf(request) ?? session?.userId ?? null;
}

/** Nothing inline, nothing from elsewhere but avatars; forms go nowhere else; no framing. */
function securityHeaders(config: Config) {
  return {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        fontSrc: ["'self'"],
        connectSrc: ["'self'"],
        imgSrc: ["'self'", 'data:', 'blob:', ...avatarSources(config)],
        manifestSrc: ["'self'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
        baseUri: ["'none'"],
        objectSrc: ["'none'"],
        requireTrustedTypesFor: ["'script'"],
        trustedTypes: ["'none'"],
      },
    },
    strictTransportSecurity: config.secure ? { maxAge: 31_536_000, includeSubDomains: false } : false,
    referrerPolicy: { policy: 'same-origin' as const },
    xFrameOptions: { action: 'deny' as const },
    crossOriginResourcePolicy: { policy: 'same-origin' as const },
  };
}

/** GitHub serves avatars from a host of its own; an Enterprise server and the demo from themselves. */
function avatarSources(config: Config): string[] {
  const { origin } = new URL(config.github.url);
  return origin === 'https://github.com' ? ['https://avatars.githubusercontent.com'] : [origin];
}

function limitError(_request: FastifyRequest, context: { ttl: number }): GatewayError {
  const retryAfter = Math.max(1, Math.ceil(context.ttl / 1000));
  return new GatewayError('rate_limited', `Too many requests. Try again in ${retryAfter} s.`, { retryAfter });
}

function limits(config: Config) {
  return {
    max: config.rateLimitPerMinute,
    timeWindow: 60_000,
    errorResponseBuilder: limitError,
  };
}

/** Signed-out callers are counted by address. */
function limitByAddress(app: FastifyInstance, config: Config) {
  return app.rateLimit({ ...limits(config), groupId: 'address', keyGenerator: (request) => clientAddress(request.ip) });
}

/** Signed-in callers are counted by who they are, on whatever address. */
function limitByPrincipal(app: FastifyInstance, config: Config) {
  return app.rateLimit({ ...limits(config), groupId: 'user', keyGenerator: (request) => request.principal.userId });
}

/**
 * Guessing credentials counts against the address, so that it cannot be done without end. Who proves who they are is not
 * asked: people behind one address are not locked out by a stranger there.
 */
function limitStrangers(scope: FastifyInstance, config: Config) {
  const failures = scope.createRateLimit({
    max: config.rateLimitPerMinute,
    timeWindow: 60_000,
    keyGenerator: (request) => `failed ${clientAddress(request.ip)}`,
  });
  return async (request: FastifyRequest): Promise<void> => {
    const verdict = await failures(request);
    if (!verdict.isAllowed && verdict.isExceeded) throw limitError(request, verdict);
  };
}
