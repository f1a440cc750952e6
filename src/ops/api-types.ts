/** OpenAPI 3.1, as far as this room touches it. */

/** JSON Schema 2020-12, or a reference to one. */
export type Schema = Readonly<Record<string, unknown>>;

export interface MediaType {
  schema: Schema;
  example?: unknown;
}

export interface Response {
  description: string;
  headers?: Record<string, unknown>;
  content?: Record<string, MediaType>;
}

export interface OperationObject {
  operationId?: string;
  tags?: string[];
  summary?: string;
  security?: Record<string, string[]>[];
  'x-scope'?: string;
  parameters?: object[];
  requestBody?: { content: Record<string, MediaType> };
  responses: Record<string, Response>;
}

export interface ApiDocument {
  openapi: string;
  paths: Record<string, Record<string, OperationObject>>;
  components: { schemas: Record<string, Schema>; [kind: string]: unknown };
}
