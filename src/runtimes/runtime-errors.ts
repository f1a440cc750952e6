/**
 * What the runtime and the upstream say went wrong, in our codes. A table read from the top: the first row that fits wins.
 */
import { type ErrorCode, GatewayError } from '../errors.ts';
import type { RuntimeCredential } from './runtime-port.ts';

/** A failure as `session.error`, `model.call_failure` or a refused call tells it. Absent is null. */
export interface RuntimeFailure {
  readonly type: string | null;
  /** HTTP status of the upstream. */
  readonly status: number | null;
  /** The upstream's own code. */
  readonly code: string | null;
  readonly message: string;
  /** Seconds, where the runtime tells them. */
  readonly retryAfter: number | null;
}

interface Row {
  readonly code: ErrorCode;
  readonly fits: (failure: RuntimeFailure) => boolean;
  readonly detail: string;
  /** Seconds. */
  readonly retryAfter?: (failure: RuntimeFailure) => number;
}

const CONTEXT = /max_prompt_tokens|context_length|context_limit|too_large|prompt is too long/;

const ROWS: readonly Row[] = [
  {
    code: 'store_unavailable',
    fits: ({ type }) => type === 'persistence',
    detail: 'The answer could not be saved. Try again.',
    retryAfter: () => 1,
  },
  {
    code: 'context_too_long',
    fits: ({ type, status, code }) => status === 413 || type === 'context_limit' || CONTEXT.test(code ?? ''),
    detail: 'The conversation is too long for this model. Start a new chat or choose a model with a larger context.',
  },
  {
    code: 'reauth_required',
    fits: ({ type, status }) =>
      status === 401 || type === 'authentication' || (type === 'authorization' && status === null),
    detail: 'GitHub no longer accepts your sign-in. Sign in again.',
  },
  {
    code: 'quota_exceeded',
    fits: ({ type, status }) => status === 402 || type === 'quota',
    detail: 'Your Copilot quota is used up.',
  },
  {
    code: 'copilot_access_denied',
    fits: ({ status }) => status === 403,
    detail: 'GitHub Copilot refuses access: this account has no Copilot plan, or a policy forbids this use.',
  },
  {
    code: 'upstream_rate_limited',
    fits: ({ type, status }) => status === 429 || type === 'rate_limit',
    detail: 'GitHub Copilot asks to slow down.',
    retryAfter: ({ message, retryAfter }) => retryAfter ?? secondsToWait(message),
  },
  {
    code: 'model_unavailable',
    fits: ({ code, message }) => code === 'model_not_supported' || /\bModel "[^"]*" is not available/.test(message),
    detail: 'This model is not available to you.',
  },
];

/** Codes that blame the person's own account; where one credential serves all, nobody can act on them. */
const PERSONAL: ReadonlySet<ErrorCode> = new Set(['reauth_required', 'copilot_access_denied']);

/** The error of a failed turn. `cause` goes to the log only: upstream messages may quote a prompt. */
export function errorOf(
  failure: RuntimeFailure,
  credential: RuntimeCredential['kind'],
  cause: unknown = failure,
): GatewayError {
  const row = ROWS.find((candidate) => candidate.fits(failure));
  if (!row || (credential !== 'github' && PERSONAL.has(row.code))) {
    return new GatewayError('upstream_failed', 'GitHub Copilot could not answer. Try again.', { cause });
  }
  return new GatewayError(row.code, row.detail, {
    cause,
    ...(row.retryAfter && { retryAfter: row.retryAfter(failure) }),
  });
}

const UNITS: Record<string, number> = { second: 1, minute: 60, hour: 3_600, day: 86_400 };

/**
 * Seconds to wait, as the runtime puts it into words ("in under a minute", "in 2 hours"); the header itself never reaches
 * us (native 1.0.85). 60 where it says nothing.
 */
export function secondsToWait(message: string): number {
  const [, count, unit] = /\bin (?:about |under )?(an?|\d+) (second|minute|hour|day)s?\b/.exec(message) ?? [];
  if (count === undefined || unit === undefined) return 60;
  return (/^an?$/.test(count) ? 1 : Number(count)) * (UNITS[unit] ?? 60);
}

/** What a refused create, resume or account call says: the status is only in its words. */
export function failureOfCall(error: unknown): RuntimeFailure {
  const message = error instanceof Error ? error.message : String(error);
  const status = /"status":([45]\d\d)\b/.exec(message)?.[1] ?? /\b(40[123]|413|429|5\d\d) [A-Z]/.exec(message)?.[1];
  return { type: null, status: status === undefined ? null : Number(status), code: null, message, retryAfter: null };
}

/** The runtime knows no such session: never opened, deleted, or dropped by its own idle clean-up. */
export function isSessionMissing(error: unknown): boolean {
  return error instanceof Error && /\bsession not found\b/i.test(error.message);
}
