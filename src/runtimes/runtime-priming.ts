/**
 * What a process's first turn costs more than its second: some 230 ms to load a tokenizer (native 1.0.85). Asking for a
 * count of tokens in a throw-away session loads it ahead.
 */
import { randomUUID } from 'node:crypto';
import type { SessionFsProvider } from '@github/copilot-sdk';
import type { RuntimeHost } from './runtime-host.ts';
import type { RuntimeParts } from './runtime-parts.ts';
import type { RuntimeCredential } from './runtime-port.ts';
import { sessionConfig } from './session-config.ts';

/** Any known one: they share the tokenizer. */
const MODEL = 'gpt-5-mini';

/** Readies a process of ours for its first turn. @throws GatewayError or what the runtime says */
export async function primeRuntime(
  parts: RuntimeParts,
  host: RuntimeHost,
  credential: RuntimeCredential,
): Promise<void> {
  if (host.primed || host.state !== 'store') return;
  host.primed = true;
  const { open, close } = parts.timings;
  const asked = { model: null, systemMessage: 'Nothing is said here.', credential };
  const config = sessionConfig(parts.config, asked, { files: forgetfulFiles(), onEvent: () => undefined });
  const sdk = await host.openSession('create', `prime-${randomUUID()}`, config, AbortSignal.timeout(open));
  try {
    const modelId = parts.config.copilot.defaultModel ?? MODEL;
    await host.call('priming', open, () => sdk.rpc.metadata.recomputeContextTokens({ modelId }));
  } finally {
    await host.call('session close', close, () => sdk.disconnect());
  }
}

/** Keeps nothing: the session says nothing worth keeping. */
function forgetfulFiles(): SessionFsProvider {
  const missing = async (): Promise<never> => {
    throw Object.assign(new Error('Nothing is kept here'), { code: 'ENOENT' });
  };
  const done = async (): Promise<void> => undefined;
  return {
    readFile: missing,
    writeFile: done,
    appendFile: done,
    exists: async () => false,
    stat: missing,
    mkdir: done,
    readdir: async () => [],
    readdirWithTypes: async () => [],
    rm: done,
    rename: done,
  };
}
