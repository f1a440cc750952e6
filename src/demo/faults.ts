/**
 * How a model call can go wrong. `kind` is an HTTP status that refuses the call, or one of:
 * - `cut`: the socket is destroyed after `after` deltas
 * - `stall`: nothing more comes after `after` deltas, and the connection stays open
 * - `hang`: the headers come, then nothing
 * - `error`: an error event in the stream after `after` deltas
 * - `content_filter`, `length`: the answer ends half-way with that finish reason
 */
export interface Fault {
  kind: number | 'cut' | 'stall' | 'hang' | 'error' | 'content_filter' | 'length';
  /** Deltas before the fault. Default 0. */
  after?: number;
  /** Seconds for the `retry-after` header of a refusal. */
  retryAfter?: number;
  /** `error.code` of a refusal, where the usual one of its status is not meant. */
  code?: string;
  /** Only the first so many attempts of one request fail. Default: all. */
  times?: number;
}

/** How GitHub itself (OAuth, REST, `copilot_internal`) can go wrong. */
export interface GitHubFault {
  /** Sockets are destroyed without an answer. */
  down?: boolean;
  /** Milliseconds before anything else happens. */
  slowMs?: number;
  /** Answers this status. */
  status?: number;
  /** Seconds for the `retry-after` header. */
  retryAfter?: number;
  /** Only paths that start so, without `/api/v3`, e.g. `/user`. Default: all. */
  pathPrefix?: string;
}

const KINDS = new Set(['cut', 'stall', 'hang', 'error', 'content_filter', 'length']);
const NUMBERS: Record<string, 'after' | 'retryAfter' | 'times'> = {
  after: 'after',
  'retry-after': 'retryAfter',
  times: 'times',
};

/**
 * Reads the words of a fault, as in a directive: `429 retry-after=2 times=1`, `cut after=3`.
 * @throws Error at a word it does not know, so that a test with a slip in it fails loudly
 */
export function parseFault(words: string): Fault {
  const [kind = '', ...settings] = words.trim().split(/\s+/);
  const fault: Fault = { kind: readKind(kind) };
  for (const setting of settings) {
    const [name = '', value = ''] = setting.split('=');
    const numeric = NUMBERS[name];
    if (name === 'code' && value !== '') fault.code = value;
    else if (numeric && /^\d+$/.test(value)) fault[numeric] = Number(value);
    else throw new Error(`Unknown setting of a fault: ${setting}`);
  }
  return fault;
}

function readKind(word: string): Fault['kind'] {
  if (/^[45]\d\d$/.test(word)) return Number(word);
  if (KINDS.has(word)) return word as Exclude<Fault['kind'], number>;
  throw new Error(`Unknown fault: ${word}`);
}

/** Code and sentence of a refusal, worded as Copilot words them. */
const REFUSALS: Record<number, readonly [code: string, message: string]> = {
  400: ['invalid_request_body', 'The request body is not valid.'],
  401: ['unauthorized', 'unauthorized: token expired or revoked'],
  402: ['quota_exceeded', 'You have exceeded your monthly quota of premium requests.'],
  403: ['forbidden', 'Access to this endpoint is forbidden. Please review our Terms of Service.'],
  404: ['not_found', 'Not Found'],
  413: ['request_too_large', 'failed to parse request: request body too large'],
  422: ['unprocessable_entity', 'The request cannot be processed.'],
  429: ['user_model_rate_limited', 'Sorry, you have been rate-limited. Please wait a moment before trying again.'],
  500: ['internal_error', 'Internal server error'],
  502: ['bad_gateway', 'Bad gateway'],
  503: ['service_unavailable', 'The service is temporarily unavailable.'],
};

/** The error body of the model API for a status. */
export function refusalBody(status: number, code?: string): { error: { message: string; code: string } } {
  const [usual, message] = REFUSALS[status] ?? ['error', `The model API answered ${status}.`];
  return { error: { message, code: code ?? usual } };
}
