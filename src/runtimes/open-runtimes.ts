/**
 * Opens the runtimes of this instance: the topology the configuration names, a fleet of its processes or connections, a
 * pool of warm sessions over it, and one timer for all of it.
 */
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { SessionFileRepository } from '../session-files.ts';
import { NO_TRACING, type Tracing } from '../tracing/tracing.ts';
import { LeasePool } from './lease-pool.ts';
import { RuntimeFleet } from './runtime-fleet.ts';
import { type RuntimeLogger, type RuntimeParts, type RuntimeTimings, TIMINGS } from './runtime-parts.ts';
import type { Runtimes, RuntimeUser } from './runtime-port.ts';
import { primeRuntime } from './runtime-priming.ts';
import { leaveUnread } from './sdk-internals.ts';
import { removeSession } from './session-removal.ts';
import { openExternal } from './topologies/external.ts';
import { openIsolated } from './topologies/isolated.ts';
import { openShared } from './topologies/shared.ts';
import type { OpenTopology } from './topologies/topology.ts';
import { shuttingDown } from './unavailable.ts';
import { isUnheard } from './unheard-events.ts';
import { UserAccounts } from './user-account.ts';

/** What the runtimes need from outside. */
export interface RuntimeDependencies {
  readonly sessionFiles: SessionFileRepository;
  readonly logger: RuntimeLogger;
  /** Milliseconds since the epoch. Default: the system's. */
  readonly clock?: () => number;
  /** Absent: nothing is traced. */
  readonly tracing?: Pick<Tracing, 'context'>;
  /** For tests that cannot wait. */
  readonly timings?: Partial<RuntimeTimings>;
}

/** Adding a topology is a file and a row. */
const TOPOLOGIES: Record<Config['copilot']['topology'], OpenTopology> = {
  isolated: openIsolated,
  shared: openShared,
  external: openExternal,
};

/**
 * Opens them; whoever called closes them. No process is started before its first use; servers of others are connected to
 * in the background.
 * @throws Error if `DATA_DIR` cannot be written
 */
export async function openRuntimes(config: Config, dependencies: RuntimeDependencies): Promise<Runtimes> {
  leaveUnread(isUnheard);
  const closing = new AbortController();
  const parts = partsOf(config, dependencies, closing.signal);
  const topology = await TOPOLOGIES[config.copilot.topology](parts);
  const fleet = new RuntimeFleet(topology, parts);
  const pool = new LeasePool({ fleet, parts, warmSessions: topology.warmSessions });
  const accounts = new UserAccounts(fleet, parts);
  fleet.open();
  const timer = startTimer(parts, () => Promise.all([pool.tick(), fleet.tick()]));

  return {
    topology: topology.name,
    lease: (request, signal) => pool.lease(request, signal),
    warm: (user) => {
      warmUp(fleet, parts, user).catch((error: unknown) =>
        parts.logger.debug({ err: error }, 'a runtime was not readied ahead of its use'),
      );
    },
    models: (user, signal) => accounts.models(user, signal),
    quota: (user, signal) => accounts.quota(user, signal),
    deleteSession: async (_user, sessionId, signal) => {
      await pool.drop(sessionId, new GatewayError('not_found', 'There is no such chat.'));
      await removeSession(
        parts,
        { fleet, servers: topology.state === 'runtime' ? (topology.slots ?? []) : [] },
        sessionId,
        signal,
      );
    },
    endUser: async (userId, error) => {
      accounts.forget(userId);
      await pool.endUser(userId, error);
      await fleet.endUser(userId, error);
    },
    status: () => fleet.status(),
    operate: (name, act) => fleet.operate(name, act),
    close: async () => {
      closing.abort(shuttingDown());
      timer.stop();
      pool.close();
      await fleet.close();
    },
  };
}

function partsOf(config: Config, given: RuntimeDependencies, closing: AbortSignal): RuntimeParts {
  const { sessionFiles, logger, clock = Date.now, timings, tracing = NO_TRACING } = given;
  const traceContext = () => tracing.context();
  return { config, sessionFiles, logger, clock, timings: { ...TIMINGS, ...timings }, traceContext, closing };
}

async function warmUp(fleet: RuntimeFleet, parts: RuntimeParts, user: RuntimeUser): Promise<void> {
  const host = await fleet.acquire(user.userId, undefined, false);
  try {
    await primeRuntime(parts, host, user.credential);
  } finally {
    fleet.release(host);
  }
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
