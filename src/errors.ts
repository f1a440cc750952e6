/**
 * Coded errors. A `GatewayError` carries everything each protocol needs to answer: a stable `code`, the HTTP status, one
 * public sentence, and a private `cause` that only the log sees. `problem()` is its RFC 9457 shape; the OpenAI face has
 * its own mapping.
 */

/** Every stable code, its HTTP status and its RFC 9457 title. The table is the documentation's source. */
export const ERROR_CODES = {
  validation_failed: { status: 400, title: 'The request is not valid' },
  ambiguous_credentials: { status: 400, title: 'Two credentials in one request' },
  model_unavailable: { status: 400, title: 'This model is not available to you' },
  attachment_rejected: { status: 400, title: 'An attachment was not accepted' },
  sign_in_failed: { status: 400, title: 'Sign-in did not complete' },
  unauthenticated: { status: 401, title: 'Sign in first' },
  reauth_required: { status: 401, title: 'GitHub no longer accepts your sign-in' },
  forbidden: { status: 403, title: 'Not allowed' },
  cross_origin_refused: { status: 403, title: 'Cross-origin request refused' },
  insufficient_scope: { status: 403, title: 'The API token lacks a scope' },
  sign_in_refused: { status: 403, title: 'This account may not sign in here' },
  copilot_access_denied: { status: 403, title: 'No access to GitHub Copilot' },
  account_blocked: { status: 403, title: 'This account is blocked' },
  quota_exceeded: { status: 429, title: 'The quota is used up' },
  not_found: { status: 404, title: 'Not found' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  turn_running: { status: 409, title: 'A turn is already running in this chat' },
  conflict: { status: 409, title: 'The request conflicts with the current state' },
  payload_too_large: { status: 413, title: 'The request is too large' },
  unsupported_media_type: { status: 415, title: 'Unsupported media type' },
  idempotency_mismatch: { status: 422, title: 'Idempotency-Key was used for another request' },
  context_too_long: { status: 422, title: 'The conversation is too long for this model' },
  content_filtered: { status: 422, title: 'The answer was withheld by a content filter' },
  queue_full: { status: 429, title: 'The queue of this chat is full' },
  rate_limited: { status: 429, title: 'Too many requests' },
  too_many_turns: { status: 429, title: 'Too many turns at once' },
  upstream_rate_limited: { status: 429, title: 'GitHub Copilot asks to slow down' },
  cancelled: { status: 409, title: 'The turn was cancelled' },
  interrupted: { status: 503, title: 'The turn was interrupted' },
  internal_error: { status: 500, title: 'Something went wrong on our side' },
  upstream_failed: { status: 502, title: 'GitHub Copilot could not answer' },
  github_unavailable: { status: 502, title: 'GitHub could not be reached' },
  runtime_unavailable: { status: 503, title: 'The Copilot runtime is not available' },
  runtimes_busy: { status: 503, title: 'All Copilot runtimes are busy' },
  store_unavailable: { status: 503, title: 'The database is not available' },
  shutting_down: { status: 503, title: 'The gateway is shutting down' },
  turn_start_timeout: { status: 504, title: 'The turn did not start in time' },
  first_token_timeout: { status: 504, title: 'The model did not begin to answer in time' },
  silence_timeout: { status: 504, title: 'The model fell silent' },
  turn_timeout: { status: 504, title: 'The turn took too long' },
} as const satisfies Record<string, { status: number; title: string }>;

/** A stable, documented error code. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** RFC 9457 `application/problem+json`, plus our `code` and `requestId`. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: ErrorCode;
  requestId: string | null;
  /** Members some codes add: `turnId`, `errors`, `retryAfter` … */
  [extension: string]: unknown;
}

/** What may go with a {@link GatewayError}. */
export interface GatewayErrorOptions {
  /** Private: logged, never sent. */
  cause?: unknown;
  /** Seconds; becomes `Retry-After`. */
  retryAfter?: number;
  /** Public extension members of the problem. */
  extensions?: Record<string, unknown>;
}

/** The only error a route throws on purpose. `message` is public: write it for the person who has to act on it. */
export class GatewayError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly retryAfter: number | undefined;
  readonly extensions: Record<string, unknown>;

  constructor(code: ErrorCode, detail: string, options: GatewayErrorOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'GatewayError';
    this.code = code;
    this.status = ERROR_CODES[code].status;
    this.retryAfter = options.retryAfter;
    this.extensions = options.extensions ?? {};
  }

  /** The public shape of this error; `requestId` ties it to the log. */
  problem(requestId: string | null = null): Problem {
    return {
      type: `urn:pilothouse:error:${this.code}`,
      title: ERROR_CODES[this.code].title,
      status: this.status,
      detail: this.message,
      code: this.code,
      requestId,
      ...(this.retryAfter === undefined ? {} : { retryAfter: this.retryAfter }),
      ...this.extensions,
    };
  }
}

/** What is another user's, deleted, or never was: one answer for all three, so that ids cannot be probed. */
export function notFound(what: string): GatewayError {
  return new GatewayError('not_found', `There is no such ${what}.`);
}
