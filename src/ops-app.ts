/**
 * The operators' side: `/metrics` and `/admin`, and the jobs they can see and ask for. With `OPS_PORT` it is an app and a
 * listener of its own; without, a scope of the main app that answers this machine only.
 */
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyPluginAsync } from 'fastify';
import type { Logger } from 'pino';
import type { AdminPorts } from './admin/admin-ports.ts';
import { registerAdmin } from './admin/admin-routes.ts';
import { OPERATOR_KEY_PURPOSE } from './admin/operator-token.ts';
import { deriveKey } from './auth/keyring.ts';
import type { Auth } from './auth/open-auth.ts';
import type { Config } from './config.ts';
import { JobScheduler } from './jobs/job-scheduler.ts';
import { jobTable } from './jobs/job-table.ts';
import type { AuditTrail } from './ops/audit-trail.ts';
import { registerHealth } from './ops/health-routes.ts';
import { onlyFromThisMachine } from './ops/local-only.ts';
import type { GatewayMetrics } from './ops/metrics.ts';
import { registerMetrics } from './ops/metrics-route.ts';
import { RequestLog } from './ops/request-log.ts';
import type { Runtimes } from './runtimes/runtime-port.ts';
import type { Store } from './store/store.ts';
import type { TurnEngine } from './turns/turn-engine.ts';
import type { UserEvents } from './turns/user-events.ts';
import { answerClientError, frameworkErrors } from './wire/early-refusals.ts';
import { acceptOnlyJson } from './wire/json-bodies.ts';
import { registerProblems } from './wire/problem-replies.ts';
import { nameResponses, requestId } from './wire/request-ids.ts';
import { compileValidator } from './wire/validation.ts';

/** The gateway's parts that are operated; whoever opened them closes them. */
export interface OperatedParts {
  readonly config: Config;
  readonly store: Store;
  readonly auth: Auth;
  readonly runtimes: Runtimes;
  readonly engine: TurnEngine;
  readonly userEvents: UserEvents;
  readonly metrics: GatewayMetrics;
  readonly audit: AuditTrail;
  readonly logger: Logger;
  readonly clock: () => number;
  /** Of the engine: jobs are locked in its name. */
  readonly instanceId: string;
  /** Takes no new turns and lets running ones end. */
  readonly drain: () => Promise<void>;
}

/** The scheduler of this instance, not started. Its maker stops it. */
export function makeScheduler(parts: OperatedParts): JobScheduler {
  const { config, store, auth, metrics } = parts;
  return new JobScheduler({
    jobs: jobTable({
      ...parts,
      accounts: auth,
      sessionIdleMs: config.webSessions.idleMs,
      turnEventsKeptMs: config.turns.eventsKeptMs,
      chatRetentionMs: config.chatRetentionMs,
    }),
    runs: store.jobRuns,
    instanceId: parts.instanceId,
    logger: parts.logger,
    clock: parts.clock,
    random: Math.random,
    onRun: ({ job, outcome, ms }) => {
      metrics.jobRuns.inc({ job, outcome });
      metrics.jobSeconds.observe({ job }, ms / 1000);
    },
  });
}

/** The operators' routes, for whichever app they are registered in. */
export function opsRoutes(parts: OperatedParts, jobs: JobScheduler): FastifyPluginAsync {
  const { config, auth, audit } = parts;
  const ports: AdminPorts = {
    ...parts,
    jobs,
    adminUsers: config.adminUsers,
    operatorKeys: auth.secrets.sessionSecrets.map((secret) => deriveKey(secret, OPERATOR_KEY_PURPOSE)),
    endAccess: (userId, error) => auth.endAccess(userId, error),
    audit: ({ request, ...entry }) => audit.record({ ...entry, requestId: request.id, address: request.ip }),
  };
  const admin: FastifyPluginAsync = async (scope) => registerAdmin(scope, ports);
  return async (scope) => {
    registerMetrics(scope, parts.metrics);
    await scope.register(admin);
  };
}

/** The same, answering this machine only. */
export function localOpsRoutes(routes: FastifyPluginAsync): FastifyPluginAsync {
  return async (scope) => {
    scope.addHook('onRequest', onlyFromThisMachine);
    await scope.register(routes);
  };
}

/** The operators' app, for a listener of its own. Whoever builds it closes it. */
export async function buildOpsApp(routes: FastifyPluginAsync, parts: OperatedParts): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: parts.logger as FastifyBaseLogger,
    logController: new RequestLog(() => null),
    genReqId: requestId,
    frameworkErrors: frameworkErrors(),
    clientErrorHandler: answerClientError,
    bodyLimit: 64 * 1024,
    requestTimeout: 30_000,
    forceCloseConnections: true,
  });
  app.setValidatorCompiler(compileValidator);
  registerProblems(app);
  acceptOnlyJson(app);
  nameResponses(app);
  registerHealth(app, parts);
  await app.register(routes);
  return app;
}
