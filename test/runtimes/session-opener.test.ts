import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResumeSessionConfig } from '@github/copilot-sdk';
import { GatewayError } from '../../src/errors.ts';
import { openSession } from '../../src/runtimes/session-opener.ts';
import { hostOverFake, partsOfTests } from '../support/fake-runtime-host.ts';
import { leaseRequest } from '../support/runtime-settings.ts';

test('a session that could not be noted is left, and can write no more', async () => {
  const parts = partsOfTests();
  let left = 0;
  const disconnect = async (): Promise<void> => {
    left += 1;
  };
  let config: ResumeSessionConfig | null = null;
  const host = hostOverFake(parts, {
    client: {
      createSession: async (given: ResumeSessionConfig) => {
        config = given;
        parts.sessionFiles.failure = new GatewayError('store_unavailable', 'The store is away.');
        return { disconnect };
      },
    },
  });
  const user = { userId: '1', credential: { kind: 'github' as const, token: 'token-of-nobody', version: 1 } };
  const opening = openSession(parts, host, leaseRequest(user, 'unnoted'), AbortSignal.timeout(30_000));
  await assert.rejects(opening, { code: 'store_unavailable' });
  parts.sessionFiles.failure = null;
  assert.equal(left, 1);
  await assert.rejects(async () => filesOf(config).appendFile('/state/events.jsonl', 'late'), /closed/);
});

function filesOf(config: ResumeSessionConfig | null): { appendFile(path: string, content: string): Promise<void> } {
  assert.ok(config?.createSessionFsProvider);
  return config.createSessionFsProvider({} as never) as ReturnType<typeof filesOf>;
}
