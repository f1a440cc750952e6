/**
 * Opens the runtimes of this instance: the topology the configuration names, a fleet of its processes or connections, a
 * pool of warm sessions over it, and one timer for all of it.
 */
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { SessionFileRepository } from '../store/store.ts';
import { LeasePool } from './lease-pool.ts';
import { RuntimeFleet } from './runtime-fleet.ts';
import { type RuntimeLogger, type RuntimeParts, type RuntimeTimings, TIMINGS } from './runtime-parts.ts';
import type { Runtimes } from './runtime-port.ts';
import { openIsolated } from './topologies/isolated.ts';
import type { OpenTopology } from './topologies/topology.ts';
import { UserAccounts } from './user-account.ts';

/** What the runtimes need from outside. */
export interface RuntimeDependencies {
  readonly sessionFiles: SessionFileRepository;
  readonly logger: RuntimeLogger;
  /** Milliseconds since the epoch. Default: the system's. */
  readonly clock?: () => number;
  /** For tests that cannot wait. */
  readonly timings?: Partial<RuntimeTimings>;
}

/** Adding a topology is a file and a row. */
const TOPOLOGIES: Record<'isolated', OpenTopology> = {
  isolated: openIsolated,
};

/**
 * Opens them; whoever called closes them. Nothing is started before the first use.
 * @throws Error if `DATA_DIR` cannot be written
 */
export async function openRuntimes(config: Config, dependencies: RuntimeDependencies): Promise<Runtimes> {
  const parts: RuntimeParts = {
    config,
    sessionFiles: dependencies.sessionFiles,
    logger: dependencies.logger,
    clock: dependencies.clock ?? Date.now,
    timings: { ...TIMINGS, ...dependencies.timings },
  };
  const topology = await TOPOLOGIES[config.copilot.topology as 'isolated'](parts);
  const fleet = new RuntimeFleet(topology, parts);
  const pool = new LeasePool({ fleet, parts, warmSessions: topology.warmSessions });
  const accounts = new UserAccounts(fleet, parts);
  const timer = startTimer(parts, () => Promise.all([pool.tick(), fleet.tick()]));

  return {
    topology: topology.name,
    lease: (request, signal) => pool.lease(request, signal),
    warm: (user) => {
      fleet.acquire(user.userId, undefined, false).then(
        (host) => fleet.release(host),
        (error: unknown) => parts.logger.debug({ err: error }, 'a runtime was not started ahead of its use'),
      );
    },
    models: (user, signal) => accounts.models(user, signal),
    quota: (user, signal) => accounts.quota(user, signal),
    deleteSession: async (_user, sessionId, signal) => {
      await pool.drop(sessionId, new GatewayError('not_found', 'There is no such chat.'));
      if (topology.slots !== null) {
        await Promise.allSettled(fleet.hosts().map((host) => host.deleteSession(sessionId, signal)));
      }
      await parts.sessionFiles.deleteSession(sessionId);
    },
    endUser: async (userId, error) => {
      accounts.forget(userId);
      await pool.endUser(userId, error);
      await fleet.endUser(userId, error);
    },
    status: () => fleet.status(),
    close: async () => {
      timer.stop();
      pool.close();
      await fleet.close();
    },
  };
}

/** A timer that never overlaps itself and keeps no process alive. */
function startTimer(parts: RuntimeParts, work: () => Promise<unknown>): { stop(): void } {
  let running = false;
  const timer = setInterval(() => {
    if (running) return;
    running = true;
    work()
      .catch((error: unknown) => parts.logger.error({ err: error }, 'looking after the runtimes failed'))
      .finally(() => {
        running = false;
      });
  }, parts.timings.tick);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
