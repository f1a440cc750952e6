/**
 * `node scripts/api-types.ts <openapi.json or its address>` prints TypeScript types of the API: every named shape, and of
 * each operation its body and answers. (openapi-typescript 7.13 needs TypeScript 5 beside our 7, which npm refuses.)
 */
import { readFile } from 'node:fs/promises';
import type { ApiDocument, MediaType, Schema } from '../src/ops/api-types.ts';

/** The types, as the text of a module. */
export function apiTypes({ paths, components }: ApiDocument): string {
  const shapes = Object.entries(components.schemas).map(([name, schema]) => `export type ${name} = ${typeOf(schema)};`);
  const operations = Object.values(paths)
    .flatMap((methods) => Object.values(methods))
    .map(({ operationId, requestBody, responses }) => {
      const answers = Object.entries(responses).map(([status, { content }]) => `${status}: ${bodyType(content)}`);
      return `  ${operationId}: { body: ${bodyType(requestBody?.content)}; answers: { ${answers.join('; ')} } };`;
    });
  return [...shapes, 'export interface Operations {', ...operations, '}', ''].join('\n');
}

function bodyType(content: Record<string, MediaType> | undefined): string {
  const types = Object.entries(content ?? {}).map(([type, { schema }]) =>
    /json$/.test(type) ? typeOf(schema) : 'string',
  );
  return types.length === 0 ? 'undefined' : [...new Set(types)].join(' | ');
}

/** The type of a schema; what TypeScript cannot say (lengths, patterns) is left out. */
function typeOf(schema: Schema): string {
  const { $ref, allOf, anyOf, enum: values, const: only, type, items } = schema;
  if (typeof $ref === 'string') return $ref.split('/').at(-1) ?? 'unknown';
  if (allOf !== undefined) return joined(allOf as Schema[], ' & ');
  if (anyOf !== undefined) return joined(anyOf as Schema[], ' | ');
  if (values !== undefined) return (values as unknown[]).map((value) => JSON.stringify(value)).join(' | ');
  if (only !== undefined) return JSON.stringify(only);
  if (type === 'object') return objectType(schema);
  if (type === 'array')
    return items === undefined || Array.isArray(items) ? 'unknown[]' : `(${typeOf(items as Schema)})[]`;
  return (
    { string: 'string', integer: 'number', number: 'number', boolean: 'boolean', null: 'null' }[type as string] ??
    'unknown'
  );
}

function joined(schemas: readonly Schema[], by: string): string {
  return schemas.map((schema) => `(${typeOf(schema)})`).join(by);
}

function objectType({ properties = {}, required = [], additionalProperties }: Schema): string {
  const needed = required as readonly string[];
  const members = Object.entries(properties as Record<string, Schema>).map(
    ([name, schema]) => `${JSON.stringify(name)}${needed.includes(name) ? '' : '?'}: ${typeOf(schema)}`,
  );
  if (additionalProperties === true) members.push('[further: string]: unknown');
  return members.length === 0 ? 'Record<string, unknown>' : `{ ${members.join('; ')} }`;
}

if (import.meta.main) {
  const [place = ''] = process.argv.slice(2);
  const text = /^https?:/.test(place) ? await (await fetch(place)).text() : await readFile(place, 'utf8');
  process.stdout.write(apiTypes(JSON.parse(text) as ApiDocument));
}
