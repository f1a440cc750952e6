/** One turn or completion as a span, by the semantic conventions for generative AI (1.45, in development). */
import { type Span, SpanStatusCode } from '@opentelemetry/api';
import type { ChatOutcome, ChatSpan } from './tracing.ts';

/** Runs `work` where the runtime's calls carry the span's context. */
type Run = <T>(work: () => T) => T;

export class OtelChatSpan implements ChatSpan {
  readonly within: Run;
  readonly #span: Span;
  readonly #begun = performance.now();

  constructor(span: Span, run: Run) {
    this.#span = span;
    this.within = run;
  }

  leased(cold: boolean): void {
    this.#span.addEvent('runtime.leased', { 'pilothouse.lease.cold': cold });
  }

  firstToken(): void {
    this.#span.addEvent('gen_ai.first_token');
    this.#span.setAttribute('gen_ai.response.time_to_first_chunk', (performance.now() - this.#begun) / 1000);
  }

  end({ status, error, model, inputTokens, outputTokens }: ChatOutcome): void {
    const span = this.#span;
    span.setAttribute('pilothouse.turn.status', status);
    if (model !== null) span.setAttribute('gen_ai.response.model', model);
    if (inputTokens + outputTokens > 0) {
      span.setAttributes({ 'gen_ai.usage.input_tokens': inputTokens, 'gen_ai.usage.output_tokens': outputTokens });
    }
    if (error !== null) {
      span.setAttribute('error.type', error);
      span.setStatus({ code: SpanStatusCode.ERROR });
    }
    span.end();
  }
}
