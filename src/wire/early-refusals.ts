/**
 * What is refused before there is a route, and so before hooks and error handlers: an address that cannot be read, and what
 * is no HTTP. Fastify would answer these itself, in a shape of its own and without a request id.
 */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { ConnectionError, FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { GatewayError } from '../errors.ts';
import { newId } from './ids.ts';
import { sendProblem, toGatewayError } from './problem-replies.ts';

/** Sends an error in the shape of some protocol. */
export type SendError = (request: FastifyRequest, reply: FastifyReply, error: GatewayError) => unknown;

/** Fastify's `frameworkErrors`. `others`: who answers below a path, where problems are not the shape of errors. */
export function frameworkErrors(others: Readonly<Record<string, SendError>> = {}) {
  return (error: FastifyError, request: FastifyRequest, reply: FastifyReply): void => {
    const known = toGatewayError(error);
    const { method, url } = request;
    // No hook runs here that would write the request's line.
    request.log.info({ method, path: url.split('?', 1)[0]?.slice(0, 200), status: known.status }, 'request');
    const prefix = Object.keys(others).find((path) => url.startsWith(path));
    const send = prefix === undefined ? sendProblem : (others[prefix] ?? sendProblem);
    send(request, reply.headers({ 'x-request-id': request.id, 'cache-control': 'no-store' }), known);
  };
}

/** Fastify's `clientErrorHandler`: there is no request, only a connection, which is closed. */
export function answerClientError(error: ConnectionError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const id = newId();
  const { status, known } = refusalOf(error.code);
  const body = JSON.stringify({ ...known.problem(id), status });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${id}`,
    'cache-control: no-store',
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  socket.destroySoon();
}

/** Statuses that only a connection's errors have: none of our codes stands for them. */
function refusalOf(code: string): { status: number; known: GatewayError } {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return { status: 431, known: new GatewayError('payload_too_large', 'The headers are larger than 16 KiB.') };
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { status: 408, known: new GatewayError('validation_failed', 'The request did not arrive in time.') };
    default:
      return { status: 400, known: new GatewayError('validation_failed', 'This is not a valid HTTP request.') };
  }
}
