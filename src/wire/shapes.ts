/**
 * Shapes that every room's schemas share. A schema is the only description of a shape: types come from it, the OpenAPI
 * document comes from it. Its `title`, where it has one, is its name there and in generated clients.
 */
import { type TProperties, type TSchema, Type } from 'typebox';
import { ERROR_CODES, type ErrorCode } from '../errors.ts';

/** `null` is how an absent value looks on our wire. */
export function Nullable<Schema extends TSchema>(schema: Schema) {
  return Type.Union([schema, Type.Null()]);
}

/** An object that takes nothing it does not name: an unknown field is the caller's mistake, and is told. */
export function Strict<Properties extends TProperties>(
  properties: Properties,
  options: { title?: string; description?: string } = {},
) {
  return Type.Object(properties, { additionalProperties: false, ...options });
}

/** UUIDv7 as text. Longer or other text cannot be an id of ours and is simply not found. */
export const Id = Type.String({ minLength: 1, maxLength: 64 });

/** ISO 8601 in UTC. */
export const Time = Type.String({ format: 'date-time' });

/** RFC 9457, with our stable `code`. Members that some codes add are allowed. */
export const ProblemShape = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    code: Type.Enum(Object.keys(ERROR_CODES) as ErrorCode[], { description: 'Stable; docs/api.md says when.' }),
    requestId: Nullable(Type.String()),
  },
  { title: 'Problem', additionalProperties: true, description: 'RFC 9457 problem' },
);

/** Declared once for every route: response schemas also shape error bodies. */
export const problems = { '4xx': ProblemShape, '5xx': ProblemShape } as const;

/** A body that is written as it is made: events or a download. Streams pass by the serializer. */
export const StreamBody = Type.Unsafe<NodeJS.ReadableStream>({ type: 'string' });

/** What every list takes. */
export const PageQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 25, description: '1–100, default 25' })),
  cursor: Type.Optional(Type.String({ maxLength: 512, description: '`nextCursor` of the page before' })),
};

/** What every list answers. */
export function PageOf<Item extends TSchema>(item: Item) {
  return Type.Object({ items: Type.Array(item), nextCursor: Nullable(Type.String()) });
}

/** Milliseconds since the epoch → ISO 8601. */
export function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

/** The same for a time that may be absent. */
export function isoTimeOrNull(milliseconds: number | null): string | null {
  return milliseconds === null ? null : isoTime(milliseconds);
}
