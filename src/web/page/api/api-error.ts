/** What can go wrong between page and gateway, in one type. */
import type { Problem } from './shapes.ts';

export class ApiError extends Error {
  /** The gateway's stable code; `network`: it was not reached; `timeout`: it did not answer in time. */
  readonly code: string;
  /** 0 where there was no answer. */
  readonly status: number;
  readonly retryAfterMs: number | null;
  readonly requestId: string | null;

  constructor(init: {
    code: string;
    status: number;
    detail: string;
    retryAfterMs?: number | null;
    requestId?: string | null;
  }) {
    super(init.detail);
    this.name = 'ApiError';
    this.code = init.code;
    this.status = init.status;
    this.retryAfterMs = init.retryAfterMs ?? null;
    this.requestId = init.requestId ?? null;
  }

  static ofProblem(problem: Pick<Problem, 'code' | 'status' | 'detail' | 'requestId'>): ApiError {
    const { code, status, detail, requestId } = problem;
    return new ApiError({ code, status, detail, requestId });
  }

  /** The same request may well succeed a moment later. */
  get transient(): boolean {
    return this.status === 0 || TRANSIENT.has(this.code) || (this.status === 502 && this.code === 'http');
  }
}

/** Refusals before anything was accepted that pass by themselves: a restart, a database that is away. */
const TRANSIENT = new Set(['store_unavailable', 'shutting_down', 'runtimes_busy']);

/** Anything that was thrown, as one of ours; null: the caller itself gave up. */
export function apiErrorOf(error: unknown): ApiError | null {
  if (error instanceof ApiError) return error;
  const name = error instanceof Error ? error.name : '';
  if (name === 'AbortError') return null;
  const code = name === 'TimeoutError' ? 'timeout' : 'network';
  return new ApiError({ code, status: 0, detail: error instanceof Error ? error.message : String(error) });
}
