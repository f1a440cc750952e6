/**
 * Serves the page: one HTML file for every address of the page, and its hashed assets. The policy it comes with is stricter
 * than the one of the rest: the page makes no HTML from text, so no Trusted Types policy has to exist.
 */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';

export interface PageOptions {
  /** Where people's pictures come from, as CSP sources, e.g. `https://avatars.githubusercontent.com`. */
  readonly imageSources: readonly string[];
  /** Whether the request comes with a web session, good or not: without one, a chat's address leads to sign-in. */
  readonly hasSession: (request: FastifyRequest) => boolean;
  /** What `scripts/build-page.mjs` made. Default `src/web/public`. */
  readonly directory?: string;
}

const PUBLIC = fileURLToPath(new URL('public', import.meta.url));

/** The addresses of the page itself; what else a person may type is not found. */
const FIRST_PAGE = '/';
const PAGES = [FIRST_PAGE, '/c/:chatId'];

/** A name with a hash in it never changes its content. */
const FOR_EVER = { immutable: true, maxAge: '1y' } as const;

/** Adds the page's routes. They are open to everyone: what the page shows it asks the API for. */
export async function registerPage(app: FastifyInstance, options: PageOptions): Promise<void> {
  const directory = options.directory ?? PUBLIC;
  const headers = pageHeaders(options.imageSources);
  const page: FastifyPluginAsync = async (scope) => {
    await scope.register(fastifyStatic, { root: directory, serve: false, preCompressed: true, index: false });
    const hidden = { schema: { hide: true } };
    for (const path of PAGES) {
      scope.get(path, hidden, async (request, reply) => {
        // The first page itself says what this is and has the way in.
        if (path !== FIRST_PAGE && !options.hasSession(request)) return leadToSignIn(request, reply);
        reply.headers(headers);
        if (await isMissing(join(directory, 'index.html'))) return notBuilt(reply);
        return reply.sendFile('index.html', { cacheControl: false });
      });
    }
    scope.get<{ Params: { file: string } }>('/assets/:file', hidden, (request, reply) =>
      reply.header('x-content-type-options', 'nosniff').sendFile(`assets/${request.params.file}`, FOR_EVER),
    );
  };
  await app.register(page);
}

function leadToSignIn(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.header('cache-control', 'no-store');
  return reply.redirect(`/auth/github?returnTo=${encodeURIComponent(request.url)}`, 302);
}

function pageHeaders(imageSources: readonly string[]): Record<string, string> {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `img-src 'self' data: blob: ${imageSources.join(' ')}`.trimEnd(),
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ];
  return {
    'content-security-policy': policy.join('; '),
    'cache-control': 'no-cache',
    'cross-origin-opener-policy': 'same-origin',
    'referrer-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=()',
    'x-content-type-options': 'nosniff',
  };
}

async function isMissing(path: string): Promise<boolean> {
  try {
    await access(path);
    return false;
  } catch {
    return true;
  }
}

/** For the operator who looks: the API works all the same. */
function notBuilt(reply: FastifyReply): FastifyReply {
  return reply
    .code(503)
    .header('cache-control', 'no-store')
    .type('text/html; charset=utf-8')
    .send(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>The page is not built</title></head>
<body><main><h1>The page is not built</h1>
<p>The gateway runs and its API works. To have the page as well, run <code>node scripts/build-page.mjs</code> where the
project's dev dependencies are installed, and reload.</p></main></body></html>
`);
}
