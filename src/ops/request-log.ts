/**
 * One line per request, when it is over: what was asked, by whom, how it went, how long it took. The query is left out: it
 * may carry a code or a search.
 */
import { type FastifyReply, type FastifyRequest, LogController } from 'fastify';

export class RequestLog extends LogController {
  readonly #userOf: (request: FastifyRequest) => string | null;

  /** @param userOf null: nobody is signed in, or it is not known yet */
  constructor(userOf: (request: FastifyRequest) => string | null) {
    super({ requestIdLogLabel: 'requestId' });
    this.#userOf = userOf;
  }

  override incomingRequest(): void {
    // The line at the end says all of it.
  }

  override requestCompleted(error: Error | null | undefined, request: FastifyRequest, reply: FastifyReply): void {
    const line = {
      method: request.method,
      path: request.url.split('?', 1)[0],
      route: request.routeOptions.url ?? null,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime * 10) / 10,
      userId: this.#userOf(request),
    };
    if (error) request.log.error({ ...line, err: error }, 'request errored');
    else request.log.info(line, 'request');
  }

  /** A client that leaves a stream is no event: the line of its request is enough. */
  override streamError(error: Error, request: FastifyRequest, reply: FastifyReply): void {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE')
      super.streamError(error, request, reply);
  }
}
