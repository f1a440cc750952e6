/**
 * Removes a session wherever it may live: after a failover that is more than one server. What a server that is away may
 * still have is noted, and asked for again by a job until every server has said that it is gone.
 */
import type { RuntimeFleet } from './runtime-fleet.ts';
import type { RuntimeParts } from './runtime-parts.ts';
import { runtimeUnavailable } from './unavailable.ts';

/** Where the state of sessions is kept besides our store. */
interface Places {
  readonly fleet: Pick<RuntimeFleet, 'reach' | 'release'>;
  /** Empty: our store has it all. */
  readonly servers: readonly string[];
}

/** @throws GatewayError `runtime_unavailable` when a server could not be asked; the others have been, and so was our store */
export async function removeSession(
  parts: RuntimeParts,
  places: Places,
  sessionId: string,
  signal: AbortSignal,
): Promise<void> {
  const asked = await Promise.allSettled(
    places.servers.map((server) => removeAt(parts, places.fleet, server, sessionId, signal)),
  );
  await parts.sessionFiles.deleteSession(sessionId);
  const failures = asked.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
  if (failures.length === 0) return parts.sessionFiles.confirmDeletion(sessionId);
  await parts.sessionFiles.noteDeletion(sessionId);
  throw runtimeUnavailable(new AggregateError(failures, 'not every server could be asked'));
}

/** Each server has a deadline of its own: one that is silent takes nothing from the others. */
async function removeAt(
  { timings }: RuntimeParts,
  fleet: Places['fleet'],
  server: string,
  sessionId: string,
  signal: AbortSignal,
): Promise<void> {
  const either = AbortSignal.any([signal, AbortSignal.timeout(timings.remove)]);
  const host = await fleet.reach(server, either);
  try {
    await host.deleteSession(sessionId, either);
  } finally {
    fleet.release(host);
  }
}
