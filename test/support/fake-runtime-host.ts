import type { CopilotClient } from '@github/copilot-sdk';
import { RuntimeHost } from '../../src/runtimes/runtime-host.ts';
import { type RuntimeParts, type RuntimeTimings, TIMINGS } from '../../src/runtimes/runtime-parts.ts';
import { MemorySessionFiles } from './runtime-memory-files.ts';
import { recordingLogger, runtimeConfig } from './runtime-settings.ts';

/** Parts without a machine around them. */
export function partsOfTests(
  changes: { leases?: Parameters<typeof runtimeConfig>[1]; timings?: Partial<RuntimeTimings> } = {},
) {
  const nowhere = { dataDir: '/nowhere', copilotApiUrl: 'http://localhost:1', debugGitHubApiUrl: 'http://localhost:1' };
  return {
    config: runtimeConfig(nowhere, changes.leases),
    sessionFiles: new MemorySessionFiles(),
    logger: recordingLogger(),
    clock: Date.now,
    timings: { ...TIMINGS, ...changes.timings },
    closing: new AbortController().signal,
  } satisfies RuntimeParts;
}

/** A real host over a fake of the SDK's client: for what no real runtime can be brought to do at will. */
export function hostOverFake(
  parts: RuntimeParts,
  fake: { slot?: string; client?: object; dispose?: () => Promise<void> } = {},
): RuntimeHost {
  const client = { forceStop: async () => undefined, getStatus: async () => ({ version: 'fake' }), ...fake.client };
  const slot = fake.slot ?? 'slot';
  return new RuntimeHost(
    {
      ...{ name: slot, slot, pid: null, state: 'store' as const, gone: new AbortController() },
      client: client as unknown as CopilotClient,
      dispose: fake.dispose ?? (async () => undefined),
    },
    parts,
  );
}
