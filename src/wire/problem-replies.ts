/** Errors on the JSON side of the wire: whatever was thrown becomes one RFC 9457 problem, once. */
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { GatewayError, notFound } from '../errors.ts';

/** What Fastify itself refuses, in our codes. */
const FASTIFY_ERRORS: Record<string, (error: FastifyError) => GatewayError> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () =>
    new GatewayError('unsupported_media_type', 'Send JSON with content-type: application/json.'),
  FST_ERR_CTP_BODY_TOO_LARGE: () => new GatewayError('payload_too_large', 'The body is larger than 1 MiB.'),
  FST_ERR_CTP_INVALID_JSON_BODY: () => new GatewayError('validation_failed', 'The body is not valid JSON.'),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () =>
    new GatewayError('validation_failed', 'The body is not as long as content-length says.'),
  FST_ERR_BAD_URL: () => new GatewayError('validation_failed', 'The address is not a valid URL.'),
  // Longer than any id or name of ours.
  FST_ERR_MAX_PARAM_LENGTH: () => notFound('thing'),
};

/** Sends `error` as a problem. */
export function sendProblem(request: FastifyRequest, reply: FastifyReply, error: GatewayError): FastifyReply {
  if (error.retryAfter !== undefined)
    void reply.header('retry-after', String(Math.max(1, Math.ceil(error.retryAfter))));
  return reply
    .code(error.status)
    .type('application/problem+json')
    .serializer(JSON.stringify)
    .send(error.problem(request.id));
}

/** Any thrown value as a coded error. */
export function toGatewayError(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  const fastify = error as FastifyError;
  const known = typeof fastify?.code === 'string' ? FASTIFY_ERRORS[fastify.code] : undefined;
  if (known !== undefined) return known(fastify);
  const status = fastify?.statusCode ?? 500;
  if (status >= 400 && status < 500)
    return new GatewayError('validation_failed', 'The request is not valid.', { cause: error });
  return new GatewayError('internal_error', 'Something went wrong on our side. The request id leads to the log.', {
    cause: error,
  });
}

/** Sets the error and not-found answers of the app. */
export function registerProblems(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => {
    const known = toGatewayError(error);
    if (known.status >= 500) request.log.error({ err: error, code: known.code }, 'request failed');
    else request.log.debug({ code: known.code, detail: known.message }, 'request refused');
    if (reply.sent || reply.raw.headersSent) return;
    return sendProblem(request, reply, known);
  });
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      request,
      reply,
      new GatewayError(
        'not_found',
        `There is nothing at ${request.method} ${request.url.split('?', 1)[0]?.slice(0, 200)}.`,
      ),
    ),
  );
}
