/** How a caller waits for a turn: JSON when it ends, its events as they come, or a place to look later. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { GatewayError } from '../errors.ts';
import type { OwnedTurn } from '../store/store.ts';
import type { TurnAnswer } from '../turns/live-turn.ts';
import { messageView, turnView } from '../turns/turn-shapes.ts';
import { prefersEventStream } from '../wire/accept.ts';
import type { ChatDependencies } from './chat-dependencies.ts';

/** What the request's headers ask for. */
export type Waiting = 'json' | 'stream' | 'async';

export function waitingOf(request: FastifyRequest): Waiting {
  const prefer = [request.headers.prefer ?? []].flat().join(',');
  if (/(^|[,;\s])respond-async($|[,;\s])/i.test(prefer)) return 'async';
  return prefersEventStream(request.headers.accept) ? 'stream' : 'json';
}

/** A hook: whoever wants to see the events needs a place for a stream, before the message is saved. */
export function admitStream({ streams }: Pick<ChatDependencies, 'streams'>) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (waitingOf(request) === 'stream') streams.admit(request.principal.userId, reply);
  };
}

/** Streams the turn's frames after `after` to the caller. */
export function sendTurnEvents(
  request: FastifyRequest,
  reply: FastifyReply,
  turn: OwnedTurn,
  after: number,
  deps: ChatDependencies,
): FastifyReply {
  return deps.streams.send(
    reply,
    (signal) => deps.engine.follow(turn, after, signal),
    deps.untilRevoked(request, reply),
  );
}

/**
 * Waits until the turn has ended.
 * @returns the turn and its answer (null when it was stopped before anything was said)
 * @throws GatewayError of a failed or interrupted turn, with `turnId`; `unauthenticated` when the caller's right to wait ends
 */
export async function endedTurn(
  request: FastifyRequest,
  reply: FastifyReply,
  turn: OwnedTurn,
  deps: ChatDependencies,
): Promise<TurnAnswer> {
  const until = deps.untilRevoked(request, reply);
  const answer = await deps.engine.answered(turn, until).catch((error: unknown) => {
    if (until.aborted) throw new GatewayError('unauthenticated', 'Your sign-in ended while the turn ran.');
    throw error;
  });
  const { error } = answer.turn;
  if (error !== null) {
    const { code, detail, retryAfter } = error;
    throw new GatewayError(code, detail, {
      extensions: { turnId: turn.id },
      ...(typeof retryAfter === 'number' ? { retryAfter } : {}),
    });
  }
  return answer;
}

/** Answers a submitted turn the way the caller asked for. */
export async function replyWithTurn(
  request: FastifyRequest,
  reply: FastifyReply,
  turn: OwnedTurn,
  deps: ChatDependencies,
): Promise<void> {
  const location = `/api/turns/${turn.id}`;
  switch (waitingOf(request)) {
    case 'stream':
      await sendTurnEvents(request, reply.header('content-location', location), turn, 0, deps);
      return;
    case 'async':
      await reply
        .code(202)
        .header('location', location)
        .header('preference-applied', 'respond-async')
        .send({ turn: turnView(turn) });
      return;
    case 'json': {
      const { turn: ended, message } = await endedTurn(request, reply, turn, deps);
      await reply.send({ turn: turnView(ended), message: message === null ? null : messageView(message) });
    }
  }
}
