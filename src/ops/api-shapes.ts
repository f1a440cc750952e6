/** Gives shapes that have a title their place under `components.schemas`, so that generated clients have types with names. */
import type { ApiDocument, Schema } from './api-types.ts';

/** `document` with references in place of its titled schemas. @throws Error where two different ones share a title */
export function nameSchemas(document: ApiDocument): ApiDocument {
  const schemas: Record<string, Schema> = {};
  const named = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(named);
    if (typeof value !== 'object' || value === null) return value;
    const inner = Object.fromEntries(
      // An example is no schema, whatever it holds.
      Object.entries(value).map(([key, member]) => [key, key === 'example' ? member : named(member)]),
    );
    const { title } = inner;
    if (typeof title !== 'string' || !('type' in inner)) return inner;
    if (!/^[A-Z]\w+$/.test(title)) throw new Error(`"${title}" is no name for a schema.`);
    const known = schemas[title];
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(inner))
      throw new Error(`Two schemas of the API have the title ${title}.`);
    schemas[title] = inner;
    return { $ref: `#/components/schemas/${title}` };
  };
  const paths = named(document.paths) as ApiDocument['paths'];
  const sorted = Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1)));
  return { ...document, paths, components: { ...document.components, schemas: sorted } };
}
