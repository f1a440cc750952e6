/** `/openapi.json` from the routes' own schemas, and `/docs`, its page, under the same strict CSP. */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';

export async function registerApiDocument(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Pilothouse',
        version: '0.1.0',
        description:
          'A multi-tenant OAuth chat gateway for GitHub Copilot. Errors are RFC 9457 problems with a stable `code`.',
      },
      components: {
        securitySchemes: {
          session: {
            type: 'apiKey',
            in: 'cookie',
            name: 'sid',
            description: 'Browser session; `__Host-sid` over https',
          },
          token: { type: 'http', scheme: 'bearer', description: 'API token' },
        },
      },
      security: [{ session: [] }, { token: [] }],
    },
  });
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: true });
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
}
