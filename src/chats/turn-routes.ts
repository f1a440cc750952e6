/** A turn: how it stands, its events, stopping it. */
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { GatewayError, notFound } from '../errors.ts';
import type { OwnedTurn } from '../store/store.ts';
import { hasEnded } from '../turns/turn-events.ts';
import { TurnShape, turnView } from '../turns/turn-shapes.ts';
import { Id, problems, StreamBody } from '../wire/shapes.ts';
import type { TypedApp } from '../wire/typed-app.ts';
import type { ChatDependencies } from './chat-dependencies.ts';
import { sendTurnEvents } from './turn-reply.ts';

const TurnParams = Type.Object({ turnId: Id });

export function turnRoutes(app: TypedApp, deps: ChatDependencies): void {
  app.get(
    '/api/turns/:turnId',
    {
      config: { scope: 'chats:read' },
      schema: {
        tags: ['turns'],
        summary: 'How a turn stands',
        params: TurnParams,
        response: { 200: TurnShape, ...problems },
      },
    },
    async (request) => turnView(await ownTurn(request, request.params.turnId, deps)),
  );
  app.post(
    '/api/turns/:turnId/cancel',
    {
      config: { scope: 'chats:write' },
      schema: {
        tags: ['turns'],
        summary: 'Stop a turn',
        params: TurnParams,
        response: { 202: TurnShape, ...problems },
      },
    },
    async (request, reply) =>
      reply.code(202).send(turnView(await deps.engine.cancel(request.principal.userId, request.params.turnId))),
  );
  eventsRoute(app, deps);
}

function eventsRoute(app: TypedApp, deps: ChatDependencies): void {
  app.get(
    '/api/turns/:turnId/events',
    {
      config: { scope: 'chats:read' },
      exposeHeadRoute: false,
      schema: {
        tags: ['turns'],
        summary: 'Events of a turn (SSE), from the start or after Last-Event-ID',
        params: TurnParams,
        response: { 200: StreamBody, 204: Type.Null(), ...problems },
      },
    },
    async (request, reply) => {
      deps.streams.admit(request.principal.userId, reply);
      const turn = await ownTurn(request, request.params.turnId, deps);
      const after = lastEventId(request);
      const { signal } = new AbortController();
      // An EventSource that has seen the end comes back once more by itself; 204 is how it is told to stop.
      if (after > 0 && hasEnded(turn.status) && (await seenAll(deps, turn, after, signal)))
        return reply.code(204).send(null);
      await sendTurnEvents(request, reply, turn, after, deps);
      return reply;
    },
  );
}

async function seenAll(deps: ChatDependencies, turn: OwnedTurn, after: number, signal: AbortSignal): Promise<boolean> {
  for await (const _ of deps.engine.follow(turn, after, signal)) return false;
  return true;
}

async function ownTurn(request: FastifyRequest, turnId: string, deps: ChatDependencies): Promise<OwnedTurn> {
  const turn = await deps.store.turns.findOwned(request.principal.userId, turnId);
  if (turn === null) throw notFound('turn');
  return turn;
}

/** @throws GatewayError `validation_failed` for anything but the id of a frame */
function lastEventId(request: FastifyRequest): number {
  const header = request.headers['last-event-id'];
  if (header === undefined || header === '') return 0;
  if (typeof header === 'string' && /^\d{1,12}$/.test(header)) return Number(header);
  throw new GatewayError('validation_failed', 'Last-Event-ID must be the id of a frame of this stream.');
}
