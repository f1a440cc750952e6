/**
 * Turns that wait or run elsewhere get a trace whose ids follow from the turn's. So the request that asked for one can link to
 * it without knowing who will run it and when, and nothing has to be stored for it.
 */
import { createHash } from 'node:crypto';
import { type SpanContext, TraceFlags } from '@opentelemetry/api';
import { type IdGenerator, RandomIdGenerator } from '@opentelemetry/sdk-trace';

interface Ids {
  readonly traceId: string;
  readonly spanId: string;
}

/** A hash, so that a trace does not tell the turn. */
function idsOf(turnId: string): Ids {
  const hex = createHash('sha256').update(`pilothouse trace ${turnId}`).digest('hex');
  return { traceId: hex.slice(0, 32), spanId: hex.slice(32, 48) };
}

/** Where the turn's span is, or will be. */
export function turnContext(turnId: string): SpanContext {
  return { ...idsOf(turnId), traceFlags: TraceFlags.SAMPLED, isRemote: true };
}

/** Random ids, but for the span that is begun within {@link TurnIds.as}. */
export class TurnIds implements IdGenerator {
  readonly #random = new RandomIdGenerator();
  #given: Ids | null = null;

  /** `begin` begins one span, at once, and that is the turn's. */
  as<T>(turnId: string, begin: () => T): T {
    this.#given = idsOf(turnId);
    try {
      return begin();
    } finally {
      this.#given = null;
    }
  }

  generateTraceId(): string {
    return this.#given?.traceId ?? this.#random.generateTraceId();
  }

  generateSpanId(): string {
    return this.#given?.spanId ?? this.#random.generateSpanId();
  }
}
