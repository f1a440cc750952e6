/** The errors that an operation may answer: one response per status, with the codes that have it. Pure. */
import { ERROR_CODES, type ErrorCode, GatewayError } from '../errors.ts';
import type { Operation } from './api-operations.ts';
import type { Response, Schema } from './api-types.ts';

/** An error as a face of the API tells it. */
export interface ToldError {
  readonly status: number;
  /** The face's own; null: it has none for this. */
  readonly codes: readonly (string | null)[];
  readonly body: unknown;
}

/** By the beginning of a path: how errors are told there. Elsewhere they are problems. */
export type ErrorFaces = Readonly<Record<string, (error: GatewayError) => ToldError>>;

/** What the codes of an operation follow from. */
export interface OperationTraits {
  readonly method: string;
  readonly path: string;
  /** `x-scope` */
  readonly scope: string;
  readonly takesBody: boolean;
  readonly takesParameters: boolean;
}

/** Every code that `operation` may answer, in the order of {@link ERROR_CODES}. */
export function codesOf(operation: Operation, traits: OperationTraits): ErrorCode[] {
  const codes = new Set<ErrorCode>([
    ...(operation.codes ?? []),
    ...(['rate_limited', 'internal_error', 'store_unavailable'] as const),
  ]);
  const add = (...more: ErrorCode[]) => more.forEach((code) => void codes.add(code));
  if (traits.scope !== 'public') {
    add('unauthenticated', 'ambiguous_credentials', 'account_blocked');
    add(traits.scope === 'session' ? 'forbidden' : 'insufficient_scope');
    if (traits.method !== 'GET') add('cross_origin_refused');
  }
  if (traits.takesBody) add('validation_failed', 'unsupported_media_type', 'payload_too_large');
  if (traits.takesParameters) add('validation_failed');
  if (traits.path.includes('{') && traits.scope !== 'public') add('not_found');
  return (Object.keys(ERROR_CODES) as ErrorCode[]).filter((code) => codes.has(code));
}

const REQUEST_ID = '019a0000-0000-7000-8000-000000000000';

/** A response for each status. `shape`: the schema of all errors of this face. */
export function errorResponses(
  codes: readonly ErrorCode[],
  shape: Schema,
  path: string,
  faces: ErrorFaces,
): Record<string, Response> {
  const face = Object.entries(faces).find(([prefix]) => path.startsWith(prefix))?.[1];
  const told = codes.map((code) => {
    const error = new GatewayError(code, `${ERROR_CODES[code].title}.`);
    const { title } = ERROR_CODES[code];
    return { title, ...(face?.(error) ?? { status: error.status, codes: [code], body: error.problem(REQUEST_ID) }) };
  });
  const statuses = [...new Set(told.map(({ status }) => status))].sort((a, b) => a - b);
  const type = face === undefined ? 'application/problem+json' : 'application/json';
  return Object.fromEntries(
    statuses.map((status) => {
      const here = told.filter((error) => error.status === status);
      const code = { enum: [...new Set(here.flatMap((error) => error.codes))] };
      const narrowed = face === undefined ? { code } : { error: { type: 'object' as const, properties: { code } } };
      const schema = { allOf: [shape, { type: 'object' as const, properties: narrowed }] };
      const description = here.map(({ codes: [name], title }) => `${name ? `\`${name}\`: ` : ''}${title}`);
      const response: Response = {
        description: [...new Set(description)].join('; '),
        headers: headersOf(status),
        content: { [type]: { schema, example: here[0]?.body } },
      };
      return [String(status), response];
    }),
  );
}

function headersOf(status: number): Record<string, unknown> {
  const named = (name: string) => ({ [name]: { $ref: `#/components/headers/${name}` } });
  return {
    ...named('X-Request-Id'),
    ...(status === 401 || status === 403 ? named('WWW-Authenticate') : {}),
    ...(status === 429 || status === 503 ? named('Retry-After') : {}),
  };
}
