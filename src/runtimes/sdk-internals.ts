/**
 * The only place that reaches behind the SDK's types (1.0.14). Each private field is looked at once, here, and
 * `test/runtimes/sdk-internals.test.ts` fails when an update of the SDK moves one.
 */
import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import type { CopilotClient } from '@github/copilot-sdk';

interface PrivateClient {
  cliProcess: ChildProcess | null;
  socket: Socket | null;
  connection: { onClose(listener: () => void): unknown } | null;
  internalRpc: { connect(params: { token?: string }): Promise<unknown> };
}

/** The process that `start()` spawned; null before it and for a server of others. */
export function childOf(client: CopilotClient): ChildProcess | null {
  return (client as unknown as PrivateClient).cliProcess;
}

/** The TCP socket to a server; null with stdio. */
export function socketOf(client: CopilotClient): Socket | null {
  return (client as unknown as PrivateClient).socket;
}

/**
 * Calls back when the connection closes, which the SDK tells nobody: a waiting `sendAndWait` just never ends (D6).
 * @throws Error if there is no connection yet
 */
export function onConnectionClose(client: CopilotClient, listener: () => void): void {
  const { connection } = client as unknown as PrivateClient;
  if (!connection) throw new Error('The Copilot client has no connection yet');
  connection.onClose(listener);
}

/**
 * Takes the runtime's stderr away from the SDK, which copies it to ours past every logger and keeps all of it in memory.
 * To be called in the same tick as `start()`, before a byte can have come.
 */
export function divertStderr(child: ChildProcess, take: (text: string) => void): void {
  child.stderr?.removeAllListeners('data');
  child.stderr?.setEncoding('utf8').on('data', take);
}
