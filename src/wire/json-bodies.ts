/**
 * Bodies are JSON or nothing. A form or plain text could be sent by any page without asking first, so neither has a parser;
 * an empty body is no body, whatever its content type says; `__proto__` and `constructor` keys are refused.
 */
import type { FastifyInstance } from 'fastify';

export function acceptOnlyJson(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body.length === 0) done(null, undefined);
    else void parseJson(request, body as string, done);
  });
}
