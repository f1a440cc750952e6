/** Opens tracing where the configuration names a collector, and loads OpenTelemetry only then. */
import { NO_TRACING, type Tracing } from './tracing.ts';
import type { TracingParts } from './tracing-parts.ts';

/** Whoever calls it closes it, last of all: what is closed before may still be traced. */
export async function openTracing(parts: TracingParts): Promise<Tracing> {
  const { endpoint } = parts.config;
  if (endpoint === null) return NO_TRACING;
  const { OtelTracing } = await import('./otel-tracing.ts');
  return new OtelTracing(parts, endpoint);
}

/** The name by which the conventions, and the Copilot runtime's own spans, know who serves the model. */
export function providerName(provider: { readonly type: 'openai' | 'azure' | 'anthropic' } | null): string {
  if (provider === null) return 'github';
  return provider.type === 'azure' ? 'azure.ai.openai' : provider.type;
}
