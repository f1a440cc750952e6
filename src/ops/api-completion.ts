/** Completes the document that `@fastify/swagger` made of the routes' schemas. Pure; throws where a row is missing. */
import { codesOf, type ErrorFaces, errorResponses } from './api-errors.ts';
import { EXAMPLES } from './api-examples.ts';
import { OPERATIONS, type Operation } from './api-operations.ts';
import { nameSchemas } from './api-shapes.ts';
import type { ApiDocument, MediaType, OperationObject, Schema } from './api-types.ts';

/** What a status means where the schema does not say it. */
const MEANINGS: Readonly<Record<string, string>> = {
  200: 'The answer',
  201: 'Made',
  202: 'Taken: it goes on',
  204: 'Done; nothing to say',
};

const text = { type: 'string' } as const;
const whole = { type: 'integer' } as const;
const HEADERS: Record<string, { description: string; schema: Schema }> = {
  'X-Request-Id': { description: 'Yours if you sent one, else ours; it leads to the log', schema: text },
  'Retry-After': { description: 'Seconds to wait before the next try', schema: whole },
  'WWW-Authenticate': { description: 'What is missing (RFC 6750)', schema: text },
  'RateLimit-Limit': { description: 'Requests a minute', schema: whole },
  'RateLimit-Remaining': { description: 'Those that are left', schema: whole },
  'RateLimit-Reset': { description: 'Seconds until they are all there again', schema: whole },
};

/** @throws Error naming a route that has no row, or a title that two shapes have */
export function completeDocument(document: ApiDocument, faces: ErrorFaces): ApiDocument {
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [name, described] of Object.entries(methods)) {
      const method = name.toUpperCase();
      const operation = OPERATIONS[`${method} ${path}`];
      if (operation === undefined)
        throw new Error(`${method} ${path} has no row in src/ops/api-operations.ts: name it there.`);
      complete(described, operation, { method, path }, faces);
    }
  }
  return nameSchemas({ ...document, components: { ...document.components, headers: HEADERS } });
}

function complete(
  described: OperationObject,
  operation: Operation,
  place: { method: string; path: string },
  faces: ErrorFaces,
): void {
  described.operationId = operation.id;
  const shape = takeErrorShape(described);
  describeAnswers(described, operation);
  const codes = codesOf(operation, {
    ...place,
    scope: described['x-scope'] ?? 'public',
    takesBody: described.requestBody !== undefined,
    takesParameters: described.parameters !== undefined,
  });
  addParameters(described, operation);
  Object.assign(described.responses, errorResponses(codes, shape, place.path, faces));
  addAnswers(described, operation);
  addExamples(described, operation.id);
}

/** Routes declare one shape for all their errors. */
function takeErrorShape({ responses, operationId }: OperationObject): Schema {
  const shape = responses['4XX']?.content?.['application/json']?.schema;
  if (shape === undefined) throw new Error(`${operationId} declares no shape of its errors: add ...problems.`);
  delete responses['4XX'];
  delete responses['5XX'];
  return shape;
}

function addParameters(described: OperationObject, { parameters = [] }: Operation): void {
  if (parameters.length === 0) return;
  const loose = parameters.map((parameter) => ({ ...parameter, required: false, schema: text }));
  described.parameters = [...(described.parameters ?? []), ...loose];
}

function describeAnswers({ responses }: OperationObject, { noJson }: Operation): void {
  for (const [status, response] of Object.entries(responses)) {
    if (response.description === 'Default Response') response.description = MEANINGS[status] ?? status;
    if (noJson === true) delete response.content;
    const refs = Object.keys(HEADERS).filter((name) => /^(X-Request|RateLimit)/.test(name));
    response.headers = {
      ...response.headers,
      ...Object.fromEntries(refs.map((name) => [name, { $ref: `#/components/headers/${name}` }])),
    };
  }
}

function addAnswers({ responses }: OperationObject, { answers = [] }: Operation): void {
  for (const { status, type, description } of answers) {
    const response = responses[status];
    if (response === undefined) throw new Error(`An answer ${status} is described that is none.`);
    const schema = type === 'application/json' ? { type: 'object', description } : { ...text, description };
    response.content = { ...response.content, [type]: { schema } };
  }
}

function addExamples({ requestBody, responses }: OperationObject, id: string): void {
  const { body, answers = {} } = EXAMPLES[id] ?? {};
  const put = (content: Record<string, MediaType> | undefined, example: unknown): void => {
    const media = content?.['application/json'];
    if (media === undefined) throw new Error(`${id} has an example of what it does not have.`);
    media.example = example;
  };
  if (body !== undefined) put(requestBody?.content, body);
  for (const [status, answer] of Object.entries(answers)) put(responses[status]?.content, answer);
}
