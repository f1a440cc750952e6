/**
 * A look at a headless server before anything secret goes there. The SDK (1.0.14) takes a server that knows no `connect`
 * for an old one, greets it with `ping` and sends it users' tokens in clear (D5). We ask first, with a word that must be
 * refused: who does not refuse it cannot check the connection token.
 */
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

/** JSON-RPC: the server refuses our word, as it should. */
const AUTHENTICATION_FAILED = -32002;

/** Splits `host:port` and `[v6]:port`. @throws Error at anything else */
export function parseServer(url: string): { host: string; port: number } {
  const match = /^(?:https?:\/\/)?(?:\[([^\]]+)\]|([^:/]+)):(\d{1,5})\/?$/.exec(url);
  if (!match) throw new Error(`Not host:port: ${url}`);
  return { host: match[1] ?? match[2] ?? '', port: Number(match[3]) };
}

/**
 * Makes sure that the server checks connection tokens (or, where none is configured, at least knows the handshake).
 * @throws Error saying what is wrong; the signal's reason when aborted
 */
export async function checkServer(url: string, expectsToken: boolean, signal: AbortSignal): Promise<void> {
  const params = expectsToken ? { token: `not-the-token-${randomBytes(9).toString('hex')}` } : {};
  const answer = await askConnect(parseServer(url), params, signal);
  if (expectsToken) {
    if (answer.error?.code === AUTHENTICATION_FAILED) return;
    throw new Error('The server does not check the connection token: nothing is sent to it');
  }
  if (typeof answer.result?.protocolVersion === 'number') return;
  throw new Error('The server does not know the connect handshake, or asks for a connection token we do not have');
}

interface ConnectAnswer {
  readonly result?: { readonly protocolVersion?: unknown };
  readonly error?: { readonly code?: unknown };
}

async function askConnect(
  server: { host: string; port: number },
  params: object,
  signal: AbortSignal,
): Promise<ConnectAnswer> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'connect', params });
  const socket = connect({ ...server, signal, noDelay: true });
  try {
    socket.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    return await readAnswer(socket);
  } finally {
    socket.destroy();
  }
}

/** The message that answers ours; the server may say other things before. */
async function readAnswer(socket: Socket): Promise<ConnectAnswer> {
  let pending: Buffer<ArrayBufferLike> = Buffer.alloc(0);
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    pending = Buffer.concat([pending, chunk]);
    for (let message = takeMessage(pending); message; message = takeMessage(pending)) {
      pending = message.rest;
      const value = JSON.parse(message.body) as ConnectAnswer & { id?: unknown };
      if (value.id === 1) return value;
    }
    if (pending.length > 1_000_000) throw new Error('The server does not speak the Copilot protocol');
  }
  throw new Error('The server closed the connection instead of answering');
}

function takeMessage(pending: Buffer): { body: string; rest: Buffer } | null {
  const end = pending.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const length = Number(/content-length:\s*(\d+)/i.exec(pending.toString('latin1', 0, end))?.[1]);
  if (!Number.isInteger(length)) throw new Error('The server does not speak the Copilot protocol');
  const start = end + 4;
  if (pending.length < start + length) return null;
  return { body: pending.toString('utf8', start, start + length), rest: pending.subarray(start + length) };
}
