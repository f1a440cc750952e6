/**
 * One gateway: opens everything in order, closes it in reverse. `main.ts`, the demo and the tests start it the same way.
 */
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { buildApp } from './app.ts';
import type { AccessHooks } from './auth/access.ts';
import { openAuth } from './auth/open-auth.ts';
import type { Config } from './config.ts';
import { Completions } from './openai/completion-run.ts';
import { AuditTrail } from './ops/audit-trail.ts';
import { meteredRuntimes } from './ops/metered-runtimes.ts';
import { meteredStore } from './ops/metered-store.ts';
import { MeteredUserEvents } from './ops/metered-user-events.ts';
import { GatewayMetrics } from './ops/metrics.ts';
import { buildOpsApp, localOpsRoutes, makeScheduler, type OperatedParts, opsRoutes } from './ops-app.ts';
import { openRuntimes } from './runtimes/open-runtimes.ts';
import { openStore, ownDatabase } from './store/open-store.ts';
import { TurnEngine } from './turns/turn-engine.ts';
import { runtimeSessionId } from './turns/turn-runner.ts';
import { EventStreams } from './wire/event-stream.ts';
import { newId } from './wire/ids.ts';

/** A running gateway. Its opener calls {@link Gateway.shutdown} exactly once. */
export interface Gateway {
  readonly app: FastifyInstance;
  readonly engine: TurnEngine;
  /** Starts listening. @returns the address, e.g. `http://127.0.0.1:3000` */
  listen(): Promise<string>;
  /** Not ready → no new turns → running ones may end → streams closed → everything closed, within the configured grace. */
  shutdown(): Promise<void>;
}

/** As package.json has it; for metrics. */
const VERSION = '0.1.0';

/** Of the grace, what closing takes after the last turn, in milliseconds. */
const CLOSING_MS = 3_000;

/** How long a runtime may take to forget an erased person's session. */
const FORGET_MS = 5_000;

/**
 * @throws ConfigError-like errors of the parts: a missing key, a newer schema, a data directory that cannot be written.
 * Whatever was opened before the failing part is closed again.
 */
export async function openGateway(config: Config, logger: Logger, clock: () => number = Date.now): Promise<Gateway> {
  const opened = new AsyncDisposableStack();
  try {
    const parts = await openParts(config, logger, clock, opened);
    const jobs = opened.adopt(makeScheduler(parts), (it) => it.stop());
    const ops = opsRoutes(parts, jobs);
    const opsApp = config.ops.port === null ? null : opened.adopt(await buildOpsApp(ops, parts), (it) => it.close());
    const localOps = opsApp === null ? localOpsRoutes(ops) : null;
    const app = opened.adopt(await buildApp(config, { ...parts, localOps }), (it) => it.close());
    await parts.engine.recover();
    jobs.start();
    const resources = opened.move();
    return {
      app,
      engine: parts.engine,
      listen: async () => {
        const at = await opsApp?.listen({ host: config.ops.host, port: config.ops.port ?? 0 });
        if (at !== undefined) logger.info({ address: at }, 'the ops listener is ready');
        return app.listen({ host: config.host, port: config.port });
      },
      shutdown: async () => {
        await parts.drain();
        await resources.disposeAsync();
      },
    };
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}

interface Parts extends OperatedParts {
  readonly completions: Completions;
  readonly streams: EventStreams;
}

/** Everything below HTTP, in the order in which it leans on each other. `opened` closes it. */
async function openParts(
  config: Config,
  logger: Logger,
  clock: () => number,
  opened: AsyncDisposableStack,
): Promise<Parts> {
  opened.use(ownDatabase(config.database));
  const stored = opened.adopt(await openStore(config.database, { logger }), (it) => it.close());
  const metrics = new GatewayMetrics({ version: VERSION, topology: config.copilot.topology, engine: stored.engine });
  const store = meteredStore(stored, metrics);
  const audit = new AuditTrail({ store, metrics, logger, clock });
  const hooks = accessHooks(audit, () => ({ engine, runtimes }));
  const auth = opened.adopt(await openAuth({ config, store, logger, hooks, clock }), (it) => it.close());
  const runtimes = opened.adopt(
    meteredRuntimes(await openRuntimes(config, { sessionFiles: store.sessionFiles, logger, clock }), metrics),
    (it) => it.close(),
  );
  const userEvents = new MeteredUserEvents(metrics);
  const instanceId = newId();
  const common = {
    ...{ store, runtimes, logger, clock, credentials: auth.credentials, limits: config.turns },
    turnsPerUser: config.turns.perUser,
    systemMessage: config.copilot.systemMessage,
  };
  const engine = opened.adopt(
    new TurnEngine({ ...common, userEvents, instanceId, queuePerChat: config.turns.queuePerChat }),
    (it) => it.close(),
  );
  const completions = new Completions(common);
  const streams = opened.adopt(new EventStreams(), (it) => it.close());
  metrics.sample({ engine, runtimes, streams });
  const drain = async () => {
    const graceMs = Math.max(0, config.shutdownGraceMs - CLOSING_MS);
    await Promise.all([engine.drain(graceMs), completions.drain(graceMs)]);
  };
  const people = { config, store, auth, runtimes, engine, completions, userEvents, streams };
  return { ...people, metrics, audit, logger, clock, instanceId, drain };
}

/** What else happens when a person's access ends. `parts` come late: they lean on the room that calls this. */
function accessHooks(audit: AuditTrail, parts: () => Pick<Parts, 'engine' | 'runtimes'>): AccessHooks {
  return {
    onUserRevoked: async (userId, error) => {
      const { engine, runtimes } = parts();
      await engine.stopUser(userId, error);
      await runtimes.endUser(userId, error);
      await audit.record({ action: 'access.ended', actor: null, subject: userId, detail: error.code });
    },
    onUserErased: async (userId, chatIds) => {
      await audit.recordErasure(userId);
      const signal = AbortSignal.timeout(FORGET_MS);
      for (const chatId of chatIds)
        await parts().runtimes.deleteSession({ userId }, runtimeSessionId(userId, chatId), signal);
    },
  };
}
