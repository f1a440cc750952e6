/**
 * What the gateway measures about itself, for Prometheus. Every label comes from a set that code bounds: routes, codes,
 * models (the first {@link MODELS}), jobs. Nothing names a person or a chat.
 */
import client from '@prometheus-io/client';
import type { RuntimeStatus } from '../runtimes/runtime-port.ts';
import { residentBytesOfChildren } from './child-memory.ts';
import { DurationHistogram } from './duration-histogram.ts';

/** Models that get a label of their own; a provider with more has the rest counted together. */
const MODELS = 50;

const SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800];
const HTTP_SECONDS = [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 600];
const STORE_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1, 5];

/** What is asked for at the moment of a scrape. */
export interface Sampled {
  readonly engine: { readonly running: number; readonly draining: boolean };
  readonly runtimes: { status(): readonly RuntimeStatus[] };
  readonly streams: { readonly size: number };
}

export class GatewayMetrics {
  readonly registry = new client.Registry();
  readonly httpSeconds = this.#histogram('http_request_seconds', 'Requests, streams until their end', HTTP_SECONDS);
  readonly turns = this.#counter('turns_total', 'Turns that ended', ['outcome', 'model']);
  readonly turnErrors = this.#counter('turn_errors_total', 'Turns that ended with an error, by its code', ['code']);
  readonly turnSeconds = this.#histogram('turn_seconds', 'From the start of a turn to its end');
  readonly queueSeconds = this.#histogram('turn_queue_seconds', 'From the message to the start of its turn');
  readonly firstToken = this.#histogram('time_to_first_token_seconds', 'From the prompt to the first text');
  readonly leaseSeconds = this.#histogram('lease_seconds', 'Until a runtime session could be used');
  readonly leaseErrors = this.#counter('lease_errors_total', 'Runtime sessions that could not be had', ['code']);
  readonly modelTokens = this.#counter('model_tokens_total', 'Tokens of model calls', ['model', 'kind']);
  readonly retries = this.#counter('model_retries_total', 'Model calls that a runtime tries again', []);
  readonly refreshes = this.#counter('token_refreshes_total', 'GitHub tokens renewed or refused', ['outcome']);
  readonly storeSeconds = this.#histogram('store_seconds', 'Calls of the store', STORE_SECONDS);
  readonly storeErrors = this.#counter('store_errors_total', 'Calls of the store that failed', ['call', 'code']);
  readonly jobRuns = this.#counter('job_runs_total', 'Runs of jobs', ['job', 'outcome']);
  readonly jobSeconds = this.#histogram('job_seconds', 'Runs of jobs');
  readonly audits = this.#counter('audit_events_total', 'Entries of the audit trail', ['action']);
  readonly queued = this.#gauge('turns_queued', 'Turns that wait on this instance', []);
  readonly #models = new Set<string>();

  constructor(info: { version: string; topology: string; engine: string }) {
    const node = process.version;
    this.#gauge('build_info', 'What runs here', ['version', 'node', 'topology', 'engine']).set({ ...info, node }, 1);
    client.collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: 10 });
  }

  /** The label of a model. */
  model(name: string | null): string {
    if (name === null) return 'unknown';
    if (this.#models.size < MODELS) this.#models.add(name);
    return this.#models.has(name) ? name : 'other';
  }

  /** Adds the gauges that are read when somebody scrapes. Call it once. */
  sample({ engine, runtimes, streams }: Sampled): void {
    this.#sampled('turns_running', 'Turns that run here', () => engine.running);
    this.#sampled('draining', '1 while the instance lets its turns end', () => Number(engine.draining));
    this.#sampled('event_streams', 'Open event streams', () => streams.size);
    const runtimesBy = (matches: (status: RuntimeStatus) => boolean) => () => runtimes.status().filter(matches).length;
    this.#sampled(
      'runtimes_healthy',
      'Runtimes that answer',
      runtimesBy(({ healthy }) => healthy),
    );
    this.#sampled(
      'runtimes_unhealthy',
      'Runtimes that do not',
      runtimesBy(({ healthy }) => !healthy),
    );
    const total = (of: 'sessions' | 'busy') => () => runtimes.status().reduce((sum, status) => sum + status[of], 0);
    this.#sampled('runtime_sessions', 'Warm runtime sessions', total('sessions'));
    this.#sampled('leases', 'Runtime sessions in use', total('busy'));
    this.#sampled('runtime_resident_bytes', 'Memory of the runtimes started here', residentBytesOfChildren);
  }

  #counter<Label extends string>(name: string, help: string, labelNames: Label[]) {
    return new client.Counter({ name: `pilothouse_${name}`, help, labelNames, registers: [this.registry] });
  }

  #gauge<Label extends string>(name: string, help: string, labelNames: Label[]) {
    return new client.Gauge({ name: `pilothouse_${name}`, help, labelNames, registers: [this.registry] });
  }

  #histogram(name: string, help: string, buckets: readonly number[] = SECONDS): DurationHistogram {
    const histogram = new DurationHistogram(`pilothouse_${name}`, help, buckets);
    // The registry asks for a name and `get()`, whatever its types say.
    this.registry.registerMetric(histogram as unknown as client.Metric);
    return histogram;
  }

  #sampled(name: string, help: string, read: () => number | Promise<number>): void {
    new client.Gauge({
      name: `pilothouse_${name}`,
      help,
      registers: [this.registry],
      async collect() {
        this.set(await read());
      },
    });
  }
}
