/**
 * Validation by TypeBox itself. Bodies are taken as they are, never coerced; query strings and parameters are text by
 * nature, so numbers and booleans are converted first. Every complaint names its field.
 */
import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { Value } from 'typebox/value';
import { GatewayError, notFound } from '../errors.ts';

/** One complaint about a request, as it stands in the problem's `errors`. */
export interface FieldError {
  /** e.g. `body/content` */
  field: string;
  message: string;
}

/** Fastify's validator compiler for TypeBox schemas. */
export const compileValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const validator = Compile(schema);
  const part = httpPart ?? 'body';
  return (given: unknown) => {
    const value = part === 'body' ? given : Value.Default(schema, converted(schema, given));
    if (validator.Check(value)) return { value };
    // What cannot be an id of ours is not there: the same answer as for an id of nobody's.
    if (part === 'params') return { error: notFound(namedBy(validator.Errors(value))) };
    return { error: validationError(part, validator.Errors(value)) };
  };
};

/**
 * Text as the numbers and booleans it stands for. TypeBox (1.4) takes `1.5`, `0x10` and `true` for whole numbers: what does
 * not read back as it was written stays text, and is refused.
 */
function converted(schema: TSchema, given: unknown): unknown {
  const asText = { ...(given as Record<string, unknown>) };
  const values = Value.Convert(schema, { ...asText }) as Record<string, unknown>;
  for (const [name, value] of Object.entries(values)) {
    if (typeof value === 'number' && String(value) !== asText[name]) values[name] = asText[name];
  }
  return values;
}

interface Complaint {
  keyword: string;
  instancePath: string;
  message: string;
  params?: unknown;
}

/** `/chatId` → `chat`. */
function namedBy([complaint]: readonly Complaint[]): string {
  return /^\/(\w+)Id$/.exec(complaint?.instancePath ?? '')?.[1] ?? 'thing';
}

function validationError(part: string, complaints: readonly Complaint[]): GatewayError {
  // `additionalProperties: false` complains twice: once as a false schema, once with the names. The names help.
  const errors = complaints
    .filter(({ keyword }) => keyword !== 'boolean')
    .slice(0, 10)
    .map((complaint) => fieldError(part, complaint));
  const detail = errors.map((error) => `${error.field} ${error.message}`).join('; ');
  return new GatewayError('validation_failed', `The request is not valid: ${detail}.`, { extensions: { errors } });
}

function fieldError(part: string, complaint: Complaint): FieldError {
  const names = namesIn(complaint.params);
  return {
    field: `${part}${complaint.instancePath}`,
    message: names.length === 0 ? complaint.message : `${complaint.message}: ${names.join(', ')}`,
  };
}

/** Which properties a complaint is about. They are the caller's own words: cut to a length that cannot flood a log. */
function namesIn(params: unknown): string[] {
  if (typeof params !== 'object' || params === null) return [];
  return Object.values(params)
    .flat()
    .filter((name): name is string => typeof name === 'string')
    .slice(0, 5)
    .map((name) => JSON.stringify(name.slice(0, 60)));
}
