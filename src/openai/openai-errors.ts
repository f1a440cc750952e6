/** Errors in OpenAI's envelope: what was thrown becomes the status, type and code that OpenAI's clients know. Pure. */
import type { ErrorCode, GatewayError } from '../errors.ts';
import type { FieldError } from '../wire/validation.ts';

/** The body of an error. */
export interface OpenAiErrorBody {
  readonly error: { message: string; type: string; param: string | null; code: string | null };
}

/** What an error becomes on the wire. */
export interface OpenAiError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: OpenAiErrorBody;
}

interface Row {
  readonly status?: number;
  readonly code?: string | null;
  readonly type?: string;
  readonly param?: string;
  /** False: trying again would only repeat what took long or cannot help; OpenAI's clients obey `x-should-retry`. */
  readonly retry?: false;
}

/** Where OpenAI has a code, status or type of its own; the others keep ours. */
const ROWS: Partial<Record<ErrorCode, Row>> = {
  validation_failed: { code: null },
  unauthenticated: { code: 'invalid_api_key', type: 'invalid_request_error' },
  model_unavailable: { status: 404, code: 'model_not_found', param: 'model' },
  context_too_long: { status: 400, code: 'context_length_exceeded', param: 'messages' },
  attachment_rejected: { code: 'invalid_image', param: 'messages' },
  rate_limited: { code: 'rate_limit_exceeded' },
  too_many_turns: { code: 'rate_limit_exceeded' },
  upstream_rate_limited: { code: 'rate_limit_exceeded' },
  quota_exceeded: { code: 'insufficient_quota', type: 'insufficient_quota', retry: false },
  upstream_failed: { retry: false },
  turn_start_timeout: { retry: false },
  first_token_timeout: { retry: false },
  silence_timeout: { retry: false },
  turn_timeout: { retry: false },
};

/** `error` as OpenAI would tell it. */
export function openAiError(error: GatewayError): OpenAiError {
  const row: Row = ROWS[error.code] ?? {};
  const status = row.status ?? error.status;
  const { param, openAiCode, errors } = error.extensions;
  const own = typeof openAiCode === 'string' ? openAiCode : row.code;
  return {
    status,
    headers: {
      ...(error.retryAfter === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(error.retryAfter))) }),
      ...(row.retry === false ? { 'x-should-retry': 'false' } : {}),
    },
    body: {
      error: {
        message: error.message,
        type: row.type ?? typeOf(status),
        param: typeof param === 'string' ? param : (row.param ?? paramOf(errors)),
        code: own === undefined ? error.code : own,
      },
    },
  };
}

/** Codes of what is wrong with one parameter; without one of these the code is null. */
const PARAMETER_CODES = ['unsupported_parameter', 'unsupported_value', 'invalid_image_url'];

/** The same as the API's document shows it, with every code it may have. */
export function toldByOpenAi(error: GatewayError) {
  const { status, body } = openAiError(error);
  return { status, codes: [body.error.code, ...(error.code === 'validation_failed' ? PARAMETER_CODES : [])], body };
}

function typeOf(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 429) return 'rate_limit_error';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}

/** `body/messages/0/role` → `messages[0].role`; null where the request as a whole is wrong. */
function paramOf(errors: unknown): string | null {
  const [first] = Array.isArray(errors) ? (errors as FieldError[]) : [];
  const path = first?.field.split('/').slice(1) ?? [];
  if (path.length === 0) return null;
  return path.reduce((param, name) => (/^\d+$/.test(name) ? `${param}[${name}]` : `${param}.${name}`));
}
