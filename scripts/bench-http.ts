/** HTTP clients that cost less than what they measure. */
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Browser } from '../test/support/http-browser.ts';

const agent = new Agent({ keepAlive: true, maxSockets: 512 });

/** Posts JSON over a kept connection. @returns milliseconds to the end, and to the first `message.delta` of a stream */
export function post(
  browser: Browser,
  path: string,
  body: object,
  accept = 'application/json',
): Promise<{ whole: number; first: number; status: number }> {
  const begun = performance.now();
  const url = new URL(path, browser.url);
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        agent,
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'sec-fetch-site': 'same-origin',
          cookie: browser.cookieHeader,
          accept,
        },
      },
      (response) => {
        let first = 0;
        response.on('data', (chunk: Buffer) => {
          if (first === 0 && chunk.includes('event: message.delta')) first = performance.now() - begun;
        });
        response.on('end', () =>
          resolve({ whole: performance.now() - begun, first, status: response.statusCode ?? 0 }),
        );
        response.on('error', reject);
      },
    );
    sent.on('error', reject);
    sent.end(JSON.stringify(body));
  });
}

/**
 * Requests per second of `GET`s over `connections` kept ones, for `ms`. Raw sockets: Node's own client would take as much
 * time as the server.
 */
export async function load(
  url: string,
  paths: readonly string[],
  headers: Record<string, string>,
  { connections, ms }: { connections: number; ms: number },
): Promise<number> {
  const { hostname, port, host } = new URL(url);
  const lines = Object.entries({ host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  const requests = paths.map((path) => `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
  const until = performance.now() + ms;
  const begun = performance.now();
  const counts = await Promise.all(
    Array.from({ length: connections }, (_, index) => {
      const socket = connect({ host: hostname, port: Number(port), noDelay: true });
      return askUntil(socket, requests, index, until);
    }),
  );
  return (counts.reduce((sum, count) => sum + count, 0) / (performance.now() - begun)) * 1000;
}

function askUntil(socket: Socket, requests: readonly string[], offset: number, until: number): Promise<number> {
  let done = 0;
  let missing = -1;
  const ask = () => socket.write(requests[(offset + done) % requests.length] ?? '');
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('connect', ask);
    socket.on('data', (chunk: Buffer) => {
      if (missing < 0) missing = bodyLeft(chunk);
      else missing -= chunk.length;
      if (missing > 0) return;
      missing = -1;
      done += 1;
      if (performance.now() < until) ask();
      else {
        socket.destroy();
        resolve(done);
      }
    });
  });
}

/** Bytes of the body that are still to come after the chunk with the headers. */
function bodyLeft(chunk: Buffer): number {
  const end = chunk.indexOf('\r\n\r\n');
  const head = chunk.toString('latin1', 0, end);
  if (end < 0 || !head.startsWith('HTTP/1.1 200')) throw new Error(`Not a good answer: ${head.split('\r\n', 1)[0]}`);
  const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
  return end + 4 + length - chunk.length;
}

/** Opens event streams and leaves them open. @returns how to close them */
export async function openStreams(url: string, path: string, cookie: string, count: number): Promise<() => void> {
  const { hostname, port, host } = new URL(url);
  const sockets: Socket[] = [];
  const open = () =>
    new Promise<void>((resolve, reject) => {
      const socket = connect({ host: hostname, port: Number(port) });
      sockets.push(socket);
      socket.on('error', reject);
      socket.once('data', (chunk: Buffer) => {
        if (!chunk.toString('latin1', 0, 15).startsWith('HTTP/1.1 200'))
          reject(new Error(chunk.toString('latin1', 0, 200)));
        resolve();
      });
      socket.write(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\naccept: text/event-stream\r\ncookie: ${cookie}\r\n\r\n`);
    });
  for (let opened = 0; opened < count; opened += 100)
    await Promise.all(Array.from({ length: Math.min(100, count - opened) }, open));
  return () => {
    for (const socket of sockets) socket.destroy();
  };
}
