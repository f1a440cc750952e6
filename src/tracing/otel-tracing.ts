/**
 * Tracing by OpenTelemetry's SDK. Loaded only where a collector is configured. No global is set: who else uses OpenTelemetry in
 * this process is not disturbed, and two gateways in one process stay apart.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import {
  type Context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  ROOT_CONTEXT,
  SpanKind,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { FastifyInstance } from 'fastify';
import { OtelChatSpan } from './chat-span.ts';
import { ownExporter } from './exporter.ts';
import { traceRequests } from './request-spans.ts';
import { samplerOf } from './sampler.ts';
import type { ChatSpan, RequestTrace, TraceContext, Tracing } from './tracing.ts';
import type { TracingParts } from './tracing-parts.ts';
import { TurnIds, turnContext } from './turn-ids.ts';

/** How long the last spans may take on their way, in milliseconds: it is part of a shutdown's grace. */
const FLUSH_MS = 1_000;

export class OtelTracing implements Tracing {
  readonly #provider: TracerProvider;
  readonly #tracer: Tracer;
  readonly #providerName: string;
  readonly #ids = new TurnIds();
  readonly #wire = new W3CTraceContextPropagator();
  /** Headers, not spans: what a turn starts, such as a runtime, keeps its context for as long as it lives. */
  readonly #current = new AsyncLocalStorage<TraceContext>();

  constructor(parts: TracingParts, endpoint: string) {
    const { config, version } = parts;
    const resource = defaultResource().merge(
      resourceFromAttributes({
        'service.instance.id': randomUUID(),
        'service.version': version,
        ...config.resource,
        'service.name': config.serviceName,
      }),
    );
    this.#provider = new TracerProvider({
      resource,
      sampler: samplerOf(config),
      idGenerator: this.#ids,
      spanProcessors: [new BatchSpanProcessor({ exporter: ownExporter(parts, endpoint) })],
    });
    this.#tracer = this.#provider.getTracer('pilothouse', version);
    this.#providerName = parts.provider;
  }

  traceRequests(app: FastifyInstance): void {
    traceRequests(app, {
      tracer: this.#tracer,
      parentOf: (headers) => this.#wire.extract(ROOT_CONTEXT, headers, defaultTextMapGetter),
      traceOf: (span): RequestTrace => ({
        begin: (model) => this.#begin(model, trace.setSpan(ROOT_CONTEXT, span)),
        leadsTo: (turnId) => void span.addLink({ context: turnContext(turnId) }),
      }),
    });
  }

  beginTurn(turnId: string, model: string | null): ChatSpan {
    return this.#ids.as(turnId, () => this.#begin(model, ROOT_CONTEXT));
  }

  context(): TraceContext {
    return this.#current.getStore() ?? {};
  }

  async close(): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, FLUSH_MS);
    // What failed was told by the exporter.
    await Promise.race([this.#provider.shutdown().catch(() => undefined), late.promise]);
    clearTimeout(timer);
  }

  #begin(model: string | null, parent: Context): ChatSpan {
    const span = this.#tracer.startSpan(
      model === null ? 'chat' : `chat ${model}`,
      {
        kind: SpanKind.CLIENT,
        attributes: {
          'gen_ai.operation.name': 'chat',
          'gen_ai.provider.name': this.#providerName,
          'gen_ai.request.stream': true,
          ...(model === null ? {} : { 'gen_ai.request.model': model }),
        },
      },
      parent,
    );
    const headers: Record<string, string> = {};
    this.#wire.inject(trace.setSpan(ROOT_CONTEXT, span), headers, defaultTextMapSetter);
    return new OtelChatSpan(span, (work) => this.#current.run(headers, work));
  }
}
