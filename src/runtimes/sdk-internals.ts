/**
 * The only place that reaches behind the SDK's types (1.0.14). Each private field is looked at once, here, and
 * `test/runtimes/sdk-internals.test.ts` fails when an update of the SDK moves one.
 */
import type { ChildProcess } from 'node:child_process';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import type { CopilotClient } from '@github/copilot-sdk';

interface PrivateClient {
  cliProcess: ChildProcess | null;
  socket: Socket | null;
  messageWriter: { suppressWriteErrors: boolean } | null;
  connection: { onClose(listener: () => void): unknown; sendNotification(method: string): Promise<void> } | null;
}

/**
 * Lets a message that cannot be written be lost in silence; to be called before `start()`. A request whose write fails
 * rejects twice, and nobody can catch the second time (vscode-jsonrpc 8.2: an async promise executor that throws): Node
 * would end the gateway because a runtime died at the wrong moment. Death is told by exit and close, silence by deadlines.
 */
export function silenceWriteErrors(client: CopilotClient): void {
  const { messageWriter } = client as unknown as PrivateClient;
  if (messageWriter !== null) throw new Error('The Copilot client was started before its write errors were silenced');
  let writer: PrivateClient['messageWriter'] = null;
  Object.defineProperty(client, 'messageWriter', {
    get: () => writer,
    set: (made: PrivateClient['messageWriter']) => {
      if (made) made.suppressWriteErrors = true;
      writer = made;
    },
  });
}

/** The process that `start()` spawned; null before it and for a server of others. */
export function childOf(client: CopilotClient): ChildProcess | null {
  return (client as unknown as PrivateClient).cliProcess;
}

/**
 * Sends small messages at once: the SDK never asks for it, and a call waits 40 ms then.
 * @throws Error if there is no TCP connection
 */
export function sendWithoutDelay(client: CopilotClient): void {
  socketOf(client).setNoDelay(true);
}

/**
 * Answers every piece a server sends with a few bytes that mean nothing, while `wanted`. The servers (1.0.85, 1.0.102) hold
 * a small message back until the one before it is acknowledged, and our kernel takes up to 40 ms to acknowledge unless
 * there is something to send along: the first delta comes after 14 to 24 ms instead of 46.
 */
export function acknowledgeSoon(client: CopilotClient, wanted: () => boolean): void {
  const { connection } = client as unknown as PrivateClient;
  socketOf(client).on('data', () => {
    // A `$/` notification may be ignored by whoever does not know it, and is answered by nobody.
    if (wanted()) connection?.sendNotification('$/acknowledge').catch(() => undefined); // the connection's end is told elsewhere
  });
}

function socketOf(client: CopilotClient): Socket {
  const { socket } = client as unknown as PrivateClient;
  if (!socket) throw new Error('The Copilot client has no TCP connection');
  return socket;
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

interface Reader {
  options: { contentTypeDecoder: { decode(bytes: Uint8Array, options: unknown): Promise<unknown> } };
  listen(callback: (message: unknown) => void): unknown;
}

/** Stands for a message that was not read. */
const UNREAD = Symbol('unread');

/**
 * From now on, clients of this process do not decode messages that `unheard` recognises, and never hear of them. The SDK has
 * no way to ask for less (1.0.14), and its reader is nowhere to be had: what its class does when it begins is changed.
 * @throws Error when the SDK reads by other means
 */
export function leaveUnread(unheard: (bytes: Uint8Array) => boolean): void {
  const ofSdk = createRequire(import.meta.resolve('@github/copilot-sdk'));
  const { prototype } = (ofSdk('vscode-jsonrpc/node.js') as { StreamMessageReader: { prototype: Reader } })
    .StreamMessageReader;
  const { listen } = prototype;
  if (Object.hasOwn(prototype, 'listen')) return; // changed already
  prototype.listen = function (this: Reader, callback) {
    const { contentTypeDecoder } = this.options;
    const decode = async (bytes: Uint8Array, options: unknown) =>
      unheard(bytes) ? UNREAD : contentTypeDecoder.decode(bytes, options);
    this.options = { ...this.options, contentTypeDecoder: { ...contentTypeDecoder, decode } };
    return listen.call(this, (message) => {
      if (message !== UNREAD) callback(message);
    });
  };
}
