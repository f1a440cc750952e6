/** A collector of traces for tests: takes OTLP/HTTP in JSON, as a gateway and a runtime send it, and keeps every span. */
import { createServer, type Server } from 'node:http';

/** A span as it came, attributes by name. */
export interface CollectedSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty: it is the first of its trace. */
  readonly parentSpanId: string;
  readonly status: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly string[];
  readonly links: readonly { traceId: string; spanId: string }[];
  /** Of whom it is: `service.name` and the like. */
  readonly resource: Readonly<Record<string, unknown>>;
}

export interface Collector {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly url: string;
  readonly spans: readonly CollectedSpan[];
  /** Bodies as they came. */
  readonly raw: readonly string[];
  /** Headers of the last export. */
  readonly headers: Readonly<Record<string, unknown>>;
  /** The first span that `is` it, as soon as it has come. */
  span(is: (span: CollectedSpan) => boolean): Promise<CollectedSpan>;
  close(): Promise<void>;
}

interface WireAttribute {
  key: string;
  value: Record<string, unknown>;
}

interface WireSpan extends Omit<CollectedSpan, 'attributes' | 'events' | 'links' | 'resource' | 'status'> {
  attributes?: WireAttribute[];
  events?: { name: string }[];
  links?: { traceId: string; spanId: string }[];
  status?: { code?: number };
}

interface WireBody {
  resourceSpans: { resource: { attributes?: WireAttribute[] }; scopeSpans: { spans: WireSpan[] }[] }[];
}

/** Starts one that answers with `status`, or never (`silent`). The caller closes it. */
export async function startCollector(answer: number | 'silent' = 200): Promise<Collector> {
  const spans: CollectedSpan[] = [];
  const raw: string[] = [];
  let headers: Record<string, unknown> = {};
  let came = Promise.withResolvers<void>();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    headers = request.headers;
    // A runtime sends its metrics and logs as well.
    if (request.url === '/v1/traces') {
      raw.push(body);
      spans.push(...spansOf(JSON.parse(body) as WireBody));
    }
    if (answer !== 'silent') response.writeHead(answer, { 'content-type': 'application/json' }).end('{}');
    came.resolve();
    came = Promise.withResolvers();
  });
  const url = await listen(server);
  return {
    url,
    spans,
    raw,
    get headers() {
      return headers;
    },
    span: async (is) => {
      for (;;) {
        const found = spans.find(is);
        if (found !== undefined) return found;
        await came.promise;
      }
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function listen(server: Server): Promise<string> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(`http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`);
    });
  });
}

function spansOf({ resourceSpans }: WireBody): CollectedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap((scope) =>
      scope.spans.map((span) => ({
        ...span,
        parentSpanId: span.parentSpanId ?? '',
        status: span.status?.code ?? 0,
        attributes: named(span.attributes),
        events: (span.events ?? []).map(({ name }) => name),
        links: span.links ?? [],
        resource: named(resource.attributes),
      })),
    ),
  );
}

function named(attributes: WireAttribute[] = []): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
