import { openRuntimeDirectories } from '../runtime-directory.ts';
import { spawnRuntime } from '../spawned-runtime.ts';
import type { OpenTopology } from './topology.ts';

/**
 * A few processes over stdio for everybody, every session with its own user's token. Less memory per user, but one process
 * holds many people's tokens and chats: for people who trust each other's administrators.
 */
export const openShared: OpenTopology = async (parts) => {
  const directories = await openRuntimeDirectories(parts.config.dataDir, parts.clock(), parts.logger);
  const count = parts.config.copilot.sharedRuntimes;
  return {
    name: 'shared',
    state: 'store',
    slots: Array.from({ length: count }, (_, index) => `shared-${index + 1}`),
    warmSessions: 200,
    filledAhead: false,
    recycles: true,
    start: (slot) => spawnRuntime({ name: slot, slot }, directories, parts),
    tick: () => directories.touch(parts.clock()),
    close: () => directories.close(),
  };
};
