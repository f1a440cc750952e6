/** Holds answers to the API's own document: whatever a gateway says must be what `/openapi.json` describes. */
import assert from 'node:assert/strict';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import type { ApiDocument, OperationObject, Schema } from '../../src/ops/api-types.ts';
import type { Answer } from './http-browser.ts';

/** One operation of the document. */
export interface DescribedOperation extends OperationObject {
  readonly method: string;
  readonly path: string;
}

export class ApiContract {
  readonly document: ApiDocument;
  readonly operations: readonly DescribedOperation[];
  /** `operationId status` of every answer that was held to it. */
  readonly seen = new Set<string>();

  constructor(document: ApiDocument) {
    this.document = document;
    this.operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ ...operation, method: method.toUpperCase(), path })),
    );
  }

  /** @throws AssertionError where the document does not describe this answer */
  hold(method: string, path: string, { status, headers, text }: Answer<unknown>): void {
    const operation = this.#operationAt(method, path);
    const about = `${method} ${path} ${status}`;
    const response = operation.responses[status];
    assert.ok(response, `${about} is not described: ${text}`);
    assert.ok(headers.get('x-request-id'), `${about} has no request id`);
    this.seen.add(`${operation.operationId} ${status}`);
    const [type = ''] = (headers.get('content-type') ?? '').split(';');
    if (text === '') return;
    const media = response.content?.[type];
    assert.ok(media, `${about} is ${type}, which is not described`);
    if (!/[/+]json$/.test(type)) return;
    this.fits(media.schema, JSON.parse(text), about);
  }

  /** @throws AssertionError where `value` is not of `schema` */
  fits(schema: Schema, value: unknown, about: string): void {
    const validator = Compile(this.#resolved(schema) as TSchema);
    const complaints = validator.Check(value) ? [] : validator.Errors(value).slice(0, 3);
    assert.deepEqual(complaints, [], `${about}: ${JSON.stringify(value)}`);
  }

  #operationAt(method: string, path: string): DescribedOperation {
    const [bare = ''] = path.split('?');
    const fitting = this.operations.filter(
      (operation) =>
        operation.method === method && new RegExp(`^${operation.path.replace(/\{\w+\}/g, '[^/]+')}$`).test(bare),
    );
    // A literal path is nearer than a template.
    const [nearest] = fitting.sort((a, b) => Number(a.path.includes('{')) - Number(b.path.includes('{')));
    assert.ok(nearest, `${method} ${path} is not described`);
    return nearest;
  }

  /** References replaced by what they name: the API's shapes hold no circle. */
  #resolved(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((inner) => this.#resolved(inner));
    if (typeof value !== 'object' || value === null) return value;
    const { $ref } = value as { $ref?: unknown };
    if (typeof $ref === 'string') return this.#resolved(this.at($ref));
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, this.#resolved(inner)]));
  }

  /** What a reference names. @throws AssertionError where it names nothing */
  at(reference: string): unknown {
    const [root, ...names] = reference.split('/');
    const found = names.reduce<unknown>(
      (inner, name) => (inner as Record<string, unknown> | undefined)?.[name],
      this.document,
    );
    assert.ok(root === '#' && found !== undefined, `${reference} names nothing`);
    return found;
  }
}
