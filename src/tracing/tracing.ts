/**
 * Tracing as the other rooms see it: a request leads to a chat span (a turn or a completion), whose context goes to the
 * runtime with every call. Nothing here knows OpenTelemetry; without an endpoint {@link NO_TRACING} stands in and costs nothing.
 */
import type { FastifyInstance } from 'fastify';

/** W3C trace context, as headers name it. */
export interface TraceContext {
  readonly traceparent?: string;
  readonly tracestate?: string;
}

/** How a chat ended. Codes and counts only: nothing that was said, and nobody's id. */
export interface ChatOutcome {
  readonly status: 'completed' | 'failed' | 'cancelled' | 'interrupted' | 'abandoned';
  /** Its stable code; null: none. */
  readonly error: string | null;
  /** The model that answered; null: none did. */
  readonly model: string | null;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** The span of one turn or completion. Whoever began it ends it, once. */
export interface ChatSpan {
  /** What `work` asks of a runtime, and what follows from it, carries this span's context. */
  within<T>(work: () => T): T;
  /** A runtime session was had; `cold`: it had to be opened for this. */
  leased(cold: boolean): void;
  /** The model began to speak. */
  firstToken(): void;
  end(outcome: ChatOutcome): void;
}

/** The span of a request, for those who begin work in its name. */
export interface RequestTrace {
  /** A chat under this request. `model`: as asked for; null: the runtime's choice */
  begin(model: string | null): ChatSpan;
  /** The turn runs later, and perhaps elsewhere, in a trace of its own: the request's span links to that. */
  leadsTo(turnId: string): void;
}

/** All of tracing of one process. Whoever opened it closes it. */
export interface Tracing {
  /** Gives every request of `app` a span, and `request.trace`. */
  traceRequests(app: FastifyInstance): void;
  /** A turn that no request of this process waits for, in the trace that {@link RequestTrace.leadsTo} points to. */
  beginTurn(turnId: string, model: string | null): ChatSpan;
  /** Of the span whose work is under way; empty: of none. For the SDK's `onGetTraceContext`. */
  context(): TraceContext;
  /** Sends what is left, within a second. Never throws. */
  close(): Promise<void>;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Null: this request is not traced. */
    trace: RequestTrace | null;
  }
}

const NO_SPAN: ChatSpan = {
  within: (work) => work(),
  leased: () => undefined,
  firstToken: () => undefined,
  end: () => undefined,
};

const NOWHERE: TraceContext = {};

/** Traces nothing. */
export const NO_TRACING: Tracing = {
  traceRequests: (app) => void app.decorateRequest('trace', null),
  beginTurn: () => NO_SPAN,
  context: () => NOWHERE,
  close: async () => undefined,
};
