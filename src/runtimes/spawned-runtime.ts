/**
 * A runtime process of our own over stdio: the allowlisted environment, a private directory, no token in either. It ends
 * with us even when we are killed: the runtime leaves when its stdin does.
 */

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { CopilotClient, RuntimeConnection } from '@github/copilot-sdk';
import { within } from './deadline.ts';
import type { RuntimeDirectories, RuntimeDirectory } from './runtime-directory.ts';
import { RuntimeHost } from './runtime-host.ts';
import type { RuntimeParts } from './runtime-parts.ts';
import { childOf, divertStderr, onConnectionClose, silenceWriteErrors } from './sdk-internals.ts';
import { STATE_PATH } from './session-files.ts';
import { runtimeUnavailable } from './unavailable.ts';

/**
 * Starts a process.
 * @throws GatewayError `runtime_unavailable`; nothing of it is left then
 */
export async function spawnRuntime(
  place: { name: string; slot: string },
  directories: RuntimeDirectories,
  parts: RuntimeParts,
): Promise<RuntimeHost> {
  const directory = await directories.make();
  const client = clientFor(directory, parts);
  silenceWriteErrors(client);
  const gone = new AbortController();
  let child: ChildProcess | null = null;
  const dispose = async (): Promise<void> => {
    if (child) await exited(child);
    await directory.remove();
  };
  try {
    const starting = client.start();
    starting.catch(() => undefined); // awaited below
    child = await spawned(client);
    watch(child, { name: place.name, gone, parts });
    const signals = [gone.signal, parts.closing];
    await within(starting, { what: 'start of a runtime', ms: parts.timings.start, signals });
    onConnectionClose(client, () => gone.abort(runtimeUnavailable('the connection to the runtime closed')));
  } catch (error) {
    await client.forceStop();
    await dispose().catch((left: unknown) =>
      parts.logger.error({ runtime: place.name, err: left }, 'a runtime could not be cleared away'),
    );
    throw runtimeUnavailable(error);
  }
  return new RuntimeHost({ ...place, client, pid: child.pid ?? null, state: 'store', gone, dispose }, parts);
}

function clientFor(directory: RuntimeDirectory, parts: RuntimeParts): CopilotClient {
  return new CopilotClient({
    connection: RuntimeConnection.forStdio({
      env: {
        ...parts.config.copilot.runtimeEnv,
        HOME: directory.home,
        XDG_CACHE_HOME: directory.cache,
        TMPDIR: directory.temporary,
      },
    }),
    mode: 'empty',
    // Tokens go on sessions only: the client's own would stand in the process's environment.
    useLoggedInUser: false,
    baseDirectory: directory.state,
    workingDirectory: directory.work,
    logLevel: 'error',
    sessionFs: { initialCwd: directory.work, sessionStatePath: STATE_PATH, conventions: 'posix' },
    clientInfo: { applicationName: 'pilothouse' },
    ...(parts.traceContext && { onGetTraceContext: parts.traceContext }),
  });
}

function watch(child: ChildProcess, of: { name: string; gone: AbortController; parts: RuntimeParts }): void {
  const { name, gone, parts } = of;
  // What a runtime says may quote a prompt or a token: that it spoke is told, what it said is not.
  divertStderr(child, (text) => parts.logger.debug({ runtime: name, bytes: text.length }, 'a runtime wrote to stderr'));
  child.once('exit', (code, signal) => {
    if (gone.signal.aborted) return; // we ended it
    parts.logger.warn({ runtime: name, code, signal }, 'a runtime process ended by itself');
    gone.abort(runtimeUnavailable(`the runtime exited (${code ?? signal})`));
  });
}

/** The SDK looks for its runtime in a few microtasks: no byte of the process can come before they are through. */
async function spawned(client: CopilotClient): Promise<ChildProcess> {
  for (let turns = 0; turns < 50; turns += 1) {
    const child = childOf(client);
    if (child) return child;
    await null;
  }
  throw new Error('The SDK spawned no process');
}

async function exited(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  await once(child, 'exit');
}
