/**
 * Serializers made when the first answer needs them. Fastify makes one for every answer of every route before it listens:
 * a seventh of the time of a start, for answers most of which are never given.
 */
import { SerializerSelector } from '@fastify/fast-json-stringify-compiler';
import type { FastifyServerOptions } from 'fastify';

type Factories = NonNullable<NonNullable<FastifyServerOptions['schemaController']>['compilersFactory']>;
type SerializerFactory = NonNullable<Factories['buildSerializer']>;

/** For Fastify's `schemaController`. A schema that cannot be compiled fails the request, not the start: tests ask for every route. */
export function lazySerializers(): { compilersFactory: Factories } {
  const factory = SerializerSelector() as unknown as SerializerFactory;
  const buildSerializer: SerializerFactory = (schemas, options) => {
    const compile = factory(schemas, options);
    return (route) => {
      let serialize: ReturnType<typeof compile> | null = null;
      return (data) => {
        serialize ??= compile(route);
        return serialize(data);
      };
    };
  };
  return { compilersFactory: { buildSerializer } };
}
