/**
 * A span per request, named by its method and route's template: paths and queries carry ids and searches, so neither is told.
 * A caller's `traceparent` is its parent.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { type Context, type Span, SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api';
import type { FastifyInstance } from 'fastify';
import type { RequestTrace } from './tracing.ts';

/** What requests' spans are made with. */
export interface RequestSpanParts {
  readonly tracer: Tracer;
  readonly parentOf: (headers: IncomingHttpHeaders) => Context;
  readonly traceOf: (span: Span) => RequestTrace;
}

/** Asked every few seconds by machines: a trace of each would bury the others. */
const UNTRACED = new Set(['/healthz', '/readyz', '/metrics']);

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

export function traceRequests(app: FastifyInstance, { tracer, parentOf, traceOf }: RequestSpanParts): void {
  app.decorateRequest('trace', null);
  app.addHook('onRequest', (request, reply, done) => {
    const route = request.routeOptions.url;
    if (route === undefined || !UNTRACED.has(route)) {
      const method = METHODS.has(request.method) ? request.method : '_OTHER';
      const attributes = {
        'http.request.method': method,
        'url.scheme': request.protocol,
        ...(route === undefined ? {} : { 'http.route': route }),
      };
      const verb = method === '_OTHER' ? 'HTTP' : method;
      const name = route === undefined ? verb : `${verb} ${route}`;
      const span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, parentOf(request.headers));
      request.trace = traceOf(span);
      // Also where the client leaves a stream.
      reply.raw.once('close', () => endSpan(span, reply.raw.headersSent ? reply.raw.statusCode : null));
    }
    done();
  });
}

function endSpan(span: Span, status: number | null): void {
  // Null: the client left before it had an answer.
  if (status === null) span.setAttribute('error.type', 'client_left');
  else span.setAttribute('http.response.status_code', status);
  if (status !== null && status >= 500) {
    span.setAttribute('error.type', String(status));
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}
