/** One way to the gateway: same origin, JSON, problems as {@link ApiError}, a deadline on everything. */
import { ApiError } from './api-error.ts';

export interface RequestOptions {
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** Let it end even when the page goes away. */
  keepalive?: boolean;
  /** Milliseconds until an answer's headers and, for JSON, its body are here. */
  deadlineMs?: number;
}

/** Longer than any wait of the gateway's own, so that its answer comes first. */
const DEADLINE_MS = 30_000;

export class HttpClient {
  readonly #onSignedOut: (code: string) => void;

  /** @param onSignedOut hears every 401: whatever was asked, the person has to sign in again */
  constructor(onSignedOut: (code: string) => void) {
    this.#onSignedOut = onSignedOut;
  }

  /** The body as JSON; undefined for 204. @throws ApiError, or the signal's reason */
  async json<Body>(method: string, path: string, options: RequestOptions = {}): Promise<Body> {
    const deadline = AbortSignal.timeout(options.deadlineMs ?? DEADLINE_MS);
    const signal = options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]);
    const response = await this.send(method, path, { ...options, signal });
    return (response.status === 204 ? undefined : await response.json()) as Body;
  }

  /** The answer once its headers are here, if it is a good one. @throws ApiError, or the signal's reason */
  async send(method: string, path: string, options: RequestOptions = {}): Promise<Response> {
    const response = await fetch(path, {
      method,
      headers: {
        accept: 'application/json',
        ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...options.headers,
      },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      keepalive: options.keepalive ?? false,
      cache: 'no-store',
      credentials: 'same-origin',
      redirect: 'error',
    });
    if (response.ok) return response;
    const error = await problemOf(response);
    if (error.status === 401) this.#onSignedOut(error.code);
    throw error;
  }
}

async function problemOf(response: Response): Promise<ApiError> {
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
  const retryAfterMs = Number.isFinite(retryAfter) ? retryAfter * 1_000 : null;
  const { status } = response;
  const body: unknown = await response.json().catch(() => null); // A proxy's page is no JSON: the status says enough.
  const problem = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  return new ApiError({
    code: typeof problem.code === 'string' ? problem.code : 'http',
    status,
    detail: typeof problem.detail === 'string' ? problem.detail : `HTTP ${status}`,
    retryAfterMs,
    requestId: typeof problem.requestId === 'string' ? problem.requestId : null,
  });
}
