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
  const read = part === 'body' ? (given: unknown) => given : readerOf(schema);
  return (given: unknown) => {
    const value = read(given);
    if (validator.Check(value)) return { value };
    // What cannot be an id of ours is not there: the same answer as for an id of nobody's.
    if (part === 'params') return { error: notFound(namedBy(validator.Errors(value))) };
    return { error: validationError(part, validator.Errors(value)) };
  };
};

/** Types of a parameter that are not text. */
const CONVERTED = new Set(['integer', 'number', 'boolean']);

/**
 * Makes of text the numbers and booleans it stands for, and puts in defaults. What does not read back as it was written
 * stays text, and is refused: TypeBox (1.4) would take `1.5`, `0x10` and `true` for whole numbers. Which parameters need any
 * of that is found out once, not for each request.
 */
function readerOf(schema: TSchema): (given: unknown) => Record<string, unknown> {
  const properties = Object.entries((schema as { properties?: Record<string, TSchema> }).properties ?? {});
  const defaults = properties.filter(([, property]) => 'default' in property);
  const converted = properties.filter(([, property]) => typesOf(property).some((type) => CONVERTED.has(type)));
  return (given) => {
    const values = { ...(given as Record<string, unknown>) };
    for (const [name, property] of converted) {
      const text = values[name];
      if (typeof text !== 'string') continue;
      const value: unknown = Value.Convert(property, text);
      if (typeof value !== 'number' || String(value) === text) values[name] = value;
    }
    for (const [name, property] of defaults) values[name] ??= (property as { default?: unknown }).default;
    return values;
  };
}

/** Of a schema and of those it is a union of. */
function typesOf(schema: TSchema): string[] {
  const { type, anyOf = [] } = schema as { type?: string; anyOf?: TSchema[] };
  return [...(type === undefined ? [] : [type]), ...anyOf.flatMap(typesOf)];
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
