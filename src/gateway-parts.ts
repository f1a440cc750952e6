/** Opens what a process of the gateway consists of below HTTP: `gateway.ts` puts HTTP on it, `background-worker.ts` does without. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { AccessHooks } from './auth/access.ts';
import { openAuth } from './auth/open-auth.ts';
import { DatabaseClock } from './cluster/database-clock.ts';
import type { Cluster } from './cluster/open-cluster.ts';
import type { Config } from './config.ts';
import { Completions } from './openai/completion-run.ts';
import { AuditTrail } from './ops/audit-trail.ts';
import { meteredRuntimes } from './ops/metered-runtimes.ts';
import { meteredStore } from './ops/metered-store.ts';
import { MeteredUserEvents } from './ops/metered-user-events.ts';
import { GatewayMetrics } from './ops/metrics.ts';
import type { OperatedParts } from './ops-app.ts';
import { openRuntimes } from './runtimes/open-runtimes.ts';
import { openStore, ownDatabase } from './store/open-store.ts';
import type { Store } from './store/store.ts';
import { openTracing, providerName } from './tracing/open-tracing.ts';
import type { Tracing } from './tracing/tracing.ts';
import { Allowance } from './turns/allowance.ts';
import { TurnEngine } from './turns/turn-engine.ts';
import { runtimeSessionId } from './turns/turn-runner.ts';
import { EventStreams } from './wire/event-stream.ts';
import { newId } from './wire/ids.ts';

/** As package.json has it; for metrics. */
const VERSION = '0.1.0';

/** Of the grace, what closing takes after the last turn, in milliseconds. */
const CLOSING_MS = 3_000;

/** How long a runtime may take to forget an erased person's session. */
const FORGET_MS = 5_000;

/** How long all of an erased person's sessions may take; the person waits. */
const FORGET_ALL_MS = 20_000;

/** What a process of the gateway consists of, below HTTP. */
export interface Parts extends OperatedParts {
  readonly completions: Completions;
  readonly streams: EventStreams;
  readonly tracing: Tracing;
  /** Null on SQLite: there is one process. */
  readonly cluster: Cluster | null;
}

/** The stores, the clock and the way to other instances: what everything else leans on. */
interface Ground {
  readonly store: Store;
  readonly metrics: GatewayMetrics;
  readonly cluster: Cluster | null;
  readonly clock: () => number;
}

/**
 * Everything below HTTP, in the order in which it leans on each other. `opened` closes it.
 * @param machineClock ms since the epoch; with PostgreSQL the database's clock counts instead, the same for all instances
 */
export async function openParts(
  config: Config,
  logger: Logger,
  machineClock: () => number,
  opened: AsyncDisposableStack,
): Promise<Parts> {
  const provider = providerName(config.copilot.provider);
  const tracing = opened.adopt(
    await openTracing({ config: config.tracing, version: VERSION, provider, logger }),
    (it) => it.close(),
  );
  const { store, metrics, cluster, clock } = await openGround(config, logger, machineClock, opened);
  const audit = new AuditTrail({ store, metrics, logger, clock });
  const hooks = accessHooks(audit, () => ({ engine, runtimes, logger }));
  const auth = opened.adopt(await openAuth({ config, store, logger, hooks, clock }), (it) => it.close());
  const runtimes = opened.adopt(
    meteredRuntimes(await openRuntimes(config, { sessionFiles: store.sessionFiles, logger, clock, tracing }), metrics),
    (it) => it.close(),
  );
  const userEvents = new MeteredUserEvents(metrics, cluster?.tellUserEvent);
  const instanceId = newId();
  const common = {
    ...{ store, runtimes, logger, clock, tracing, credentials: auth.credentials, limits: config.turns },
    systemMessage: config.copilot.systemMessage,
  };
  const turnsPerUser = config.turns.perUser;
  const allowance = new Allowance({ store, turnsPerUser, budget: config.budget, clock });
  const shared = cluster === null ? {} : { signals: cluster.signals, background: cluster.background };
  const engine = opened.adopt(
    new TurnEngine({
      ...{ ...common, ...shared, userEvents, instanceId, turnsPerUser, queuePerChat: config.turns.queuePerChat },
      store: { ...store, turns: allowance.over(store.turns) },
    }),
    (it) => it.close(),
  );
  const completions = new Completions({ ...common, allowance });
  const streams = opened.adopt(new EventStreams({ perOwner: config.streamsPerUser }), (it) => it.close());
  metrics.sample({ engine, runtimes, streams });
  const drain = drainOf({ cluster, engine, completions }, config);
  const people = { config, store, auth, runtimes, engine, completions, userEvents, streams, tracing };
  return { ...people, cluster, metrics, audit, logger, clock, instanceId, drain };
}

/** Begins to work, after `engine.recover()`: other instances are heard, what waits is started. */
export async function beginWork({ engine, cluster, runtimes, userEvents, auth }: Parts): Promise<void> {
  await cluster?.join({ engine, runtimes, userEvents, revocations: auth.revocations });
  await engine.startWaiting();
}

async function openGround(
  config: Config,
  logger: Logger,
  machineClock: () => number,
  opened: AsyncDisposableStack,
): Promise<Ground> {
  const { database, copilot, turns } = config;
  opened.use(ownDatabase(database));
  const stored = opened.adopt(await openStore(database, { logger }), (it) => it.close());
  const metrics = new GatewayMetrics({ version: VERSION, topology: copilot.topology, engine: stored.engine });
  const store = meteredStore(stored, metrics);
  if (database.kind === 'sqlite') return { store, metrics, cluster: null, clock: machineClock };
  const time = opened.adopt(await DatabaseClock.open({ time: () => stored.time(), logger }), (it) => it.close());
  // Only where it is needed: its queue alone is 70 modules.
  const { openCluster } = await import('./cluster/open-cluster.ts');
  const cluster = opened.adopt(
    await openCluster({
      ...{ store: stored, databaseUrl: database.url, logger, clock: time.now },
      backgroundTurns: turns.background,
    }),
    (it) => it.close(),
  );
  return { store, metrics, cluster, clock: time.now };
}

function drainOf(
  { cluster, engine, completions }: Pick<Parts, 'cluster' | 'engine' | 'completions'>,
  { shutdownGraceMs, shutdownDelayMs }: Config,
) {
  const graceMs = Math.max(0, shutdownGraceMs - shutdownDelayMs - CLOSING_MS);
  return async (): Promise<void> => {
    engine.announceDrain();
    // Nothing new from the queue: what is fetched now another instance would have to wait for.
    await cluster?.background.stop();
    if (shutdownDelayMs > 0) await delay(shutdownDelayMs);
    await Promise.all([engine.drain(graceMs), completions.drain(graceMs)]);
  };
}

/** What else happens when a person's access ends. `parts` come late: they lean on the room that calls this. */
function accessHooks(audit: AuditTrail, parts: () => Pick<Parts, 'engine' | 'runtimes' | 'logger'>): AccessHooks {
  return {
    onUserRevoked: async (userId, error) => {
      const { engine, runtimes } = parts();
      await engine.stopUser(userId, error);
      await runtimes.endUser(userId, error);
      await audit.record({ action: 'access.ended', actor: null, subject: userId, detail: error.code });
    },
    onUserErased: async (userId, chatIds) => {
      await audit.recordErasure(userId);
      const { runtimes, logger } = parts();
      const all = AbortSignal.timeout(FORGET_ALL_MS);
      let left = 0;
      for (const chatId of chatIds) {
        const signal = AbortSignal.any([all, AbortSignal.timeout(FORGET_MS)]);
        // The store has noted them with the erasure: what fails now a job does later.
        await runtimes.deleteSession({ userId }, runtimeSessionId(userId, chatId), signal).catch(() => {
          left += 1;
        });
      }
      if (left > 0) logger.warn({ left }, 'runtime sessions of an erased person are left to the clean-up');
    },
  };
}
