import { reasonToRecycle, type Wear, wearLimits } from './lease-policy.ts';
import { residentBytes } from './process-memory.ts';
import type { RuntimeHost } from './runtime-host.ts';

/** Why a runtime is to be replaced, with what it has done; null: it may go on. */
export async function wornBy(
  host: RuntimeHost,
  shared: boolean,
  clock: () => number,
): Promise<(Wear & { reason: string }) | null> {
  const { startedAt, sessionsOpened, pid } = host;
  const wear = { startedAt, sessionsOpened, residentBytes: pid === null ? null : await residentBytes(pid) };
  const reason = reasonToRecycle(wear, wearLimits(shared), clock());
  return reason && { ...wear, reason };
}
