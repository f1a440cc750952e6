import type { IncomingMessage, ServerResponse } from 'node:http';
import { parseObject } from './json.ts';

/** One request and the means to answer it. */
export interface Exchange {
  method: string;
  /** Path and query as they came. */
  target: string;
  /** Path without the `/api/v3` that GitHub Enterprise Server puts before its REST API. */
  path: string;
  query: URLSearchParams;
  request: IncomingMessage;
  response: ServerResponse;
  body: Buffer;
  /** What came as `Authorization: Bearer …` or `token …`. */
  token: string | null;
  /** Aborted when the connection closes, whichever side ended it. */
  signal: AbortSignal;
}

/** Answers a request. Path parameters come by name. */
export type Handler = (exchange: Exchange, params: Record<string, string>) => void | Promise<void>;

/** A row of the table of routes: method, path with `:names`, handler. */
export type Route = readonly [method: string, path: string, handler: Handler];

/** The largest body that is read: a long history with images fits. */
const BODY_LIMIT_BYTES = 64 * 1024 * 1024;

/**
 * Reads a request whole.
 * @throws Error if the body is larger than 64 MiB or the connection ends before it does
 */
export async function readExchange(request: IncomingMessage, response: ServerResponse): Promise<Exchange> {
  const ended = new AbortController();
  response.once('close', () => ended.abort());
  const url = new URL(request.url ?? '/', 'http://stand-in.invalid');
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_LIMIT_BYTES) throw new Error('The request body is too large for the stand-in');
    chunks.push(chunk);
  }
  return {
    method: request.method ?? 'GET',
    target: url.pathname + url.search,
    path: url.pathname.replace(/^\/api\/v3(?=\/|$)/, '') || '/',
    query: url.searchParams,
    request,
    response,
    body: Buffer.concat(chunks),
    token: /^(?:bearer|token)\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? null,
    signal: ended.signal,
  };
}

/** Finds the row for a request; null: none. */
export function findRoute(
  routes: readonly Route[],
  method: string,
  path: string,
): { handler: Handler; params: Record<string, string> } | null {
  const parts = path.split('/');
  for (const [routeMethod, routePath, handler] of routes) {
    if (routeMethod !== method) continue;
    const params = matchPath(routePath.split('/'), parts);
    if (params) return { handler, params };
  }
  return null;
}

function matchPath(pattern: string[], parts: string[]): Record<string, string> | null {
  if (pattern.length !== parts.length) return null;
  const params: Record<string, string> = {};
  for (const [index, piece] of pattern.entries()) {
    const part = parts[index] ?? '';
    if (piece.startsWith(':') && part !== '') params[piece.slice(1)] = decodeURIComponent(part);
    else if (piece !== part) return null;
  }
  return params;
}

/** Answers with JSON. */
export function sendJson(
  exchange: Exchange,
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): void {
  send(exchange, status, 'application/json; charset=utf-8', JSON.stringify(value), headers);
}

/** Answers with a text of any kind. */
export function send(
  exchange: Exchange,
  status: number,
  contentType: string,
  text: string,
  headers: Record<string, string> = {},
): void {
  exchange.response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store', ...headers });
  exchange.response.end(text);
}

/** The body as an object, by its content type: JSON or a form. Anything else is an empty one. */
export function readFields(exchange: Exchange): Record<string, unknown> {
  const text = exchange.body.toString('utf8');
  if (/^application\/json\b/i.test(exchange.request.headers['content-type'] ?? '')) return parseObject(text) ?? {};
  return Object.fromEntries(new URLSearchParams(text));
}
