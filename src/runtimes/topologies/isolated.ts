import { randomBytes } from 'node:crypto';
import { openRuntimeDirectories } from '../runtime-directory.ts';
import { spawnRuntime } from '../spawned-runtime.ts';
import type { OpenTopology } from './topology.ts';

/**
 * One process per user over stdio: the only arrangement in which a runtime's memory, disk and tools are one person's, and
 * the fastest one.
 */
export const openIsolated: OpenTopology = async (parts) => {
  const directories = await openRuntimeDirectories(parts.config.dataDir, parts.clock(), parts.logger);
  return {
    name: 'isolated',
    state: 'store',
    slots: null,
    warmSessions: 20,
    filledAhead: false,
    recycles: true,
    // The name is for logs and metrics: it must not say whose it is.
    start: (slot) => spawnRuntime({ name: `isolated-${randomBytes(3).toString('hex')}`, slot }, directories, parts),
    tick: () => directories.touch(parts.clock()),
    close: () => directories.close(),
  };
};
