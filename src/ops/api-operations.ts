/**
 * What the schemas of a route cannot say: its name in generated clients, the errors of its own, answers that are not JSON,
 * headers it takes. A route without a row here does not start.
 */
import type { ErrorCode } from '../errors.ts';

/** An answer besides, or instead of, the JSON that the schema describes. */
export interface OtherAnswer {
  readonly status: number;
  readonly type: string;
  readonly description: string;
}

/** A header or query parameter that no schema checks. */
export interface LooseParameter {
  readonly name: string;
  readonly in: 'header' | 'query';
  readonly description: string;
}

/** One operation's row. */
export interface Operation {
  readonly id: string;
  /** Those of its own; what its rights, parameters and body bring is added by `api-errors.ts`. */
  readonly codes?: readonly ErrorCode[];
  readonly answers?: readonly OtherAnswer[];
  /** The other answers are all there is: the schema's own JSON is none. */
  readonly noJson?: true;
  readonly parameters?: readonly LooseParameter[];
}

/** Asking Copilot in someone's name. */
const COPILOT: readonly ErrorCode[] = [
  'reauth_required',
  'copilot_access_denied',
  'upstream_rate_limited',
  'upstream_failed',
  'github_unavailable',
  'runtime_unavailable',
  'runtimes_busy',
];
const ANSWERING: readonly ErrorCode[] = [
  ...COPILOT,
  ...(['model_unavailable', 'context_too_long', 'content_filtered', 'too_many_turns', 'quota_exceeded'] as const),
  ...(['interrupted', 'shutting_down'] as const),
  ...(['turn_start_timeout', 'first_token_timeout', 'silence_timeout', 'turn_timeout'] as const),
];
const TURN: readonly ErrorCode[] = [...ANSWERING, 'turn_running', 'idempotency_mismatch'];
const SIGN_IN: readonly ErrorCode[] = ['sign_in_failed', 'sign_in_refused', 'account_blocked', 'github_unavailable'];

const stream = (description: string): OtherAnswer => ({ status: 200, type: 'text/event-stream', description });
const header = (name: string, description: string): LooseParameter => ({ name, in: 'header', description });
const query = (name: string, description: string): LooseParameter => ({ name, in: 'query', description });

const TURN_EVENTS = stream('The events of the turn, each with an `id`; docs/api.md lists them');
const IDEMPOTENCY = header('Idempotency-Key', '1–255 printable characters: a retry with it returns the first turn');
/** How a turn is asked for, whatever it answers. */
const MESSAGE: Omit<Operation, 'id'> = {
  codes: [...TURN, 'attachment_rejected', 'queue_full'],
  answers: [TURN_EVENTS],
  parameters: [
    IDEMPOTENCY,
    header('Accept', '`text/event-stream`: the events of the turn as they come'),
    header('Prefer', '`respond-async`: 202 at once, the turn goes on'),
  ],
};
const personsPage = (status: number): OtherAnswer => ({ status, type: 'text/html', description: 'For a person' });

/** By method and path, as OpenAPI writes it. */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  'GET /auth/github': {
    id: 'startSignIn',
    parameters: [query('returnTo', 'A path of this host to come back to; default `/`')],
  },
  'GET /auth/github/callback': {
    id: 'finishSignIn',
    codes: SIGN_IN,
    answers: [personsPage(400), personsPage(403), personsPage(502)],
    parameters: [
      query('code', "GitHub's, once"),
      query('state', 'As the start gave it'),
      query('error', "GitHub's, instead"),
    ],
  },
  'POST /auth/logout': { id: 'signOut', codes: ['cross_origin_refused'] },
  'GET /.well-known/jwks.json': { id: 'getTokenKeys' },
  'POST /api/chats': { id: 'createChat', codes: [...COPILOT, 'model_unavailable'] },
  'GET /api/chats': { id: 'listChats' },
  'GET /api/chats/{chatId}': { id: 'getChat' },
  'PATCH /api/chats/{chatId}': { id: 'updateChat', codes: [...COPILOT, 'model_unavailable'] },
  'DELETE /api/chats/{chatId}': { id: 'deleteChat' },
  'GET /api/chats/{chatId}/messages': { id: 'listMessages' },
  'POST /api/chats/{chatId}/messages': { id: 'sendMessage', ...MESSAGE },
  'POST /api/chats/{chatId}/regenerate': { id: 'regenerate', ...MESSAGE },
  'POST /api/chats/{chatId}/messages/{messageId}/edit': { id: 'editMessage', ...MESSAGE },
  'POST /api/chats/{chatId}/fork': { id: 'forkChat' },
  'POST /api/chats/import': { id: 'importChat', codes: [...COPILOT, 'attachment_rejected'] },
  'GET /api/search': { id: 'search' },
  'POST /api/chat': { id: 'ask', codes: [...TURN, 'conflict', 'cancelled'], parameters: [IDEMPOTENCY] },
  'GET /api/chats/{chatId}/export': {
    id: 'exportChat',
    answers: [
      { status: 200, type: 'application/json', description: 'The chat and its messages' },
      { status: 200, type: 'text/markdown', description: 'The same to read' },
    ],
    noJson: true,
  },
  'GET /api/turns/{turnId}': { id: 'getTurn' },
  'POST /api/turns/{turnId}/cancel': { id: 'cancelTurn' },
  'GET /api/turns/{turnId}/events': {
    id: 'followTurn',
    answers: [TURN_EVENTS],
    noJson: true,
    parameters: [header('Last-Event-ID', 'The last `id` that was seen: what follows it comes')],
  },
  'GET /api/events': {
    id: 'followChanges',
    answers: [stream('What changes for this person; docs/api.md lists the events')],
    noJson: true,
  },
  'GET /api/models': { id: 'listModels', codes: COPILOT },
  'GET /api/quota': { id: 'getQuota', codes: COPILOT },
  'GET /api/usage': { id: 'getUsage' },
  'GET /api/me': { id: 'getMe' },
  'DELETE /api/me': { id: 'eraseMe' },
  'GET /api/me/export': {
    id: 'exportMe',
    answers: [{ status: 200, type: 'application/x-ndjson', description: 'One JSON value per line' }],
    noJson: true,
  },
  'GET /api/me/sessions': { id: 'listSessions' },
  'DELETE /api/me/sessions': { id: 'signOutEverywhere' },
  'DELETE /api/me/sessions/{id}': { id: 'endSession' },
  'POST /api/tokens': { id: 'createToken', codes: ['conflict'] },
  'GET /api/tokens': { id: 'listTokens' },
  'DELETE /api/tokens/{id}': { id: 'revokeToken' },
  'GET /v1/models': { id: 'listOpenAiModels', codes: COPILOT },
  'GET /v1/models/{model}': { id: 'getOpenAiModel', codes: [...COPILOT, 'model_unavailable'] },
  'POST /v1/chat/completions': {
    id: 'createCompletion',
    codes: [...ANSWERING, 'attachment_rejected'],
    answers: [stream('With `"stream": true`: chunks, then `[DONE]`')],
  },
};
