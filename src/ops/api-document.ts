/**
 * `/openapi.json` from the routes' own schemas, and `/docs`, its page. What a schema does not say is added here: a route's
 * rights from its config, everything else from `api-operations.ts`.
 */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { completeDocument } from './api-completion.ts';
import type { ErrorFaces } from './api-errors.ts';
import { rightsOf } from './api-rights.ts';
import type { ApiDocument } from './api-types.ts';

const TAGS = [
  { name: 'chats', description: 'Conversations, each of one person' },
  { name: 'messages', description: 'What was said, and what asks for an answer' },
  { name: 'turns', description: 'The work that answers a message: it outlives the connection' },
  { name: 'events', description: 'What changes, for other tabs and devices' },
  { name: 'models', description: 'What a person may use' },
  { name: 'account', description: 'The person who asks' },
  { name: 'tokens', description: 'API tokens for programs' },
  { name: 'openai', description: 'The OpenAI-compatible face, with its envelope of errors' },
  { name: 'sign-in', description: 'Sign-in with GitHub, for browsers' },
];

/** The one style element that swagger-ui 5 (of @fastify/swagger-ui 6.1.3) adds by script; another version may need another. */
const OWN_STYLE = "'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='";

/** The page's own scripts and styles; nothing inline, nothing from elsewhere, nobody frames it. */
const DOCS_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  `style-src 'self' ${OWN_STYLE}`,
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "object-src 'none'",
].join('; ');

/** Registers both. `faces`: who tells errors in another shape than a problem. */
export async function registerApiDocument(app: FastifyInstance, faces: ErrorFaces): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Pilothouse',
        version: '0.1.0',
        description:
          'A multi-tenant OAuth chat gateway for GitHub Copilot. Errors are RFC 9457 problems with a stable `code`.',
      },
      tags: TAGS,
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
    },
    transform: ({ schema, url, route }) => ({
      schema: { ...schema, ...(schema?.hide === true ? {} : rightsOf(route.config ?? {})) },
      url,
    }),
    transformObject: (given) =>
      // The package's types are those of three versions of OpenAPI at once; we asked for 3.1.
      'openapiObject' in given ? completeDocument(given.openapiObject as ApiDocument, faces) : given.swaggerObject,
  });
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: DOCS_POLICY });
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  // A route that nobody described, or two shapes of one name, are told to the log at start and not to the first reader. Not
  // before people are served: it takes longer than opening the store.
  app.addHook('onListen', async () => void app.swagger());
}
