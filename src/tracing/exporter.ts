/** Sends spans by OTLP/HTTP in JSON. A collector that is away is told of once, and once when it is back; turns do not feel it. */
import { ExportResultCode } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { TracingParts } from './tracing-parts.ts';

export function ownExporter(
  { config, logger }: Pick<TracingParts, 'config' | 'logger'>,
  endpoint: string,
): SpanExporter {
  const otlp = new OTLPTraceExporter({ url: `${endpoint}/v1/traces`, headers: { ...config.headers } });
  let away = false;
  return {
    export: (spans, done) =>
      otlp.export(spans, (result) => {
        const failed = result.code !== ExportResultCode.SUCCESS;
        // The error's message only: it may carry the collector's whole answer beside it.
        if (failed && !away)
          logger.warn({ reason: result.error?.message, spans: spans.length }, 'traces are not taken: they are dropped');
        if (!failed && away) logger.info({}, 'traces are taken again');
        away = failed;
        done(result);
      }),
    shutdown: () => otlp.shutdown(),
    forceFlush: () => otlp.forceFlush(),
  };
}
