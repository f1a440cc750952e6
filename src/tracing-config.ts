/** The part of the configuration that is about traces: the standard variables of OpenTelemetry, of which the endpoint is the switch. */
import type { VariableReader } from './config-values.ts';

/** Where traces go and which of them. */
export interface TracingConfig {
  /** Base URL of an OTLP/HTTP collector; null: nothing is traced, and nothing of OpenTelemetry is loaded. */
  readonly endpoint: string | null;
  /** Sent with every export; may hold a key. */
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
  /** Further attributes of the resource. */
  readonly resource: Readonly<Record<string, string>>;
  readonly sampler: SamplerName;
  /** Of the `traceidratio` samplers: the part of traces that is kept, from 0 to 1. */
  readonly ratio: number;
}

const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

export type SamplerName = (typeof SAMPLERS)[number];

/** Reads it; problems are noted in `read`. */
export function readTracing(read: VariableReader): TracingConfig {
  const endpoint = read.text('OTEL_EXPORTER_OTLP_ENDPOINT');
  const resource = pairs(read, 'OTEL_RESOURCE_ATTRIBUTES', read.text('OTEL_RESOURCE_ATTRIBUTES'));
  return {
    endpoint: endpoint === null ? null : read.url('OTEL_EXPORTER_OTLP_ENDPOINT', endpoint),
    headers: readHeaders(read),
    serviceName: read.text('OTEL_SERVICE_NAME') ?? resource['service.name'] ?? 'pilothouse',
    resource,
    sampler: read.choice('OTEL_TRACES_SAMPLER', SAMPLERS, 'parentbased_always_on'),
    ratio: readRatio(read),
  };
}

/** What HTTP takes for headers (RFC 9110, section 5.5): others fail each export, and `fetch` tells the value in its error. */
function readHeaders(read: VariableReader): Record<string, string> {
  const name = 'OTEL_EXPORTER_OTLP_HEADERS';
  const headers = pairs(read, name, read.secret(name));
  const sendable = Object.entries(headers).every(
    ([key, value]) => /^[\w!#$%&'*+.^`|~-]+$/.test(key) && /^[\t\x20-\x7e\x80-\xff]*$/.test(value),
  );
  if (sendable) return headers;
  read.problem(`${name} has a name or a value that no HTTP header may have.`);
  return {};
}

/** `key=value` pairs with commas between, values percent-encoded as OpenTelemetry has them. A bad one may hold a key: it is not repeated. */
function pairs(read: VariableReader, name: string, text: string | null): Record<string, string> {
  const found: [string, string][] = [];
  for (const entry of (text ?? '').split(',').filter((part) => part.trim() !== '')) {
    const [, key, value] = /^\s*([^=\s]+)\s*=(.*)$/s.exec(entry) ?? [];
    const decoded = value === undefined ? null : decode(value.trim());
    if (key === undefined || decoded === null) {
      read.problem(`${name} is not a list of key=value pairs with commas between, values percent-encoded.`);
      return {};
    }
    found.push([key, decoded]);
  }
  return Object.fromEntries(found);
}

function decode(value: string): string | null {
  try {
    return decodeURIComponent(value);
  } catch {
    return null; // The caller says what is wrong.
  }
}

function readRatio(read: VariableReader): number {
  const text = read.text('OTEL_TRACES_SAMPLER_ARG');
  if (text === null) return 1;
  const ratio = Number(text);
  if (ratio >= 0 && ratio <= 1) return ratio;
  read.problem(`OTEL_TRACES_SAMPLER_ARG is "${text}": give the part of traces to keep, from 0 to 1.`);
  return 1;
}
