/** Every route of this room, with errors in OpenAI's envelope whatever refused the request. */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { GatewayError } from '../errors.ts';
import { toGatewayError } from '../wire/problem-replies.ts';
import { COMPLETION_BODY_LIMIT, completionRoutes } from './completion-routes.ts';
import { modelRoutes } from './model-routes.ts';
import type { OpenAiDependencies } from './openai-dependencies.ts';
import { openAiError } from './openai-errors.ts';

/** Adds `/v1/…` to a guarded scope. */
export function registerOpenAi(guarded: FastifyInstance, deps: OpenAiDependencies): void {
  const routes: FastifyPluginAsync = async (scope) => {
    scope.setErrorHandler(answerError);
    const app = scope.withTypeProvider<TypeBoxTypeProvider>();
    modelRoutes(app, deps);
    completionRoutes(app, deps);
  };
  void guarded.register(routes);
}

/** Answers what is not there under `/v1` as OpenAI would. For the app itself: nobody needs a token to be told. */
export function registerOpenAiNotFound(app: FastifyInstance): void {
  const notFound: FastifyPluginAsync = async (scope) => {
    scope.setNotFoundHandler((request, reply) => {
      const path = request.url.split('?', 1)[0]?.slice(0, 200);
      const message = `There is nothing at ${request.method} ${path}. Supported: GET /v1/models, POST /v1/chat/completions.`;
      return sendOpenAiError(
        reply,
        new GatewayError('not_found', message, { extensions: { openAiCode: 'unknown_url' } }),
      );
    });
  };
  void app.register(notFound, { prefix: '/v1' });
}

function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply | undefined {
  const known = tooLarge(error) ?? toGatewayError(error);
  if (known.status >= 500) request.log.error({ err: error, code: known.code }, 'request failed');
  else request.log.debug({ code: known.code, detail: known.message }, 'request refused');
  if (reply.sent || reply.raw.headersSent) return undefined;
  return sendOpenAiError(reply, known);
}

/** The limit here is not the app's. */
function tooLarge(error: unknown): GatewayError | null {
  if ((error as { code?: unknown } | null)?.code !== 'FST_ERR_CTP_BODY_TOO_LARGE') return null;
  const limit = COMPLETION_BODY_LIMIT / 1024 / 1024;
  return new GatewayError('payload_too_large', `The body is larger than ${limit} MiB.`);
}

/** Sends `error` in OpenAI's envelope. */
export function sendOpenAiError(reply: FastifyReply, error: GatewayError): FastifyReply {
  const { status, headers, body } = openAiError(error);
  return reply
    .code(status)
    .headers(headers)
    .type('application/json; charset=utf-8')
    .serializer(JSON.stringify)
    .send(body);
}
