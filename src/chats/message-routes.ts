/** A chat's history, and the message that starts a turn. */
import type { FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { notFound } from '../errors.ts';
import type { OwnedChat, OwnedTurn } from '../store/store.ts';
import { MessageShape, TurnShape } from '../turns/turn-shapes.ts';
import { Id, Nullable, PageOf, PageQuery, problems, Strict } from '../wire/shapes.ts';
import type { TypedApp } from '../wire/typed-app.ts';
import type { ChatDependencies } from './chat-dependencies.ts';
import { ChatParams, ModelName } from './chat-routes.ts';
import { HistoryPages } from './history-pages.ts';
import { admitStream, replyWithTurn, waitingOf } from './turn-reply.ts';
import { Attachments, checkedAttachments, idempotencyOf, MessageContent, modelFor } from './turn-request.ts';

const NewMessage = Strict({
  content: MessageContent,
  attachments: Type.Optional(Attachments),
  model: Type.Optional(Nullable(ModelName)),
  delivery: Type.Optional(
    Type.Union([Type.Literal('queue'), Type.Literal('steer')], {
      description:
        'While the chat answers: run after that (queue) or join it (steer). Default: refuse with turn_running',
    }),
  ),
});

const HistoryQuery = Strict({
  ...PageQuery,
  order: Type.Optional(Type.Union([Type.Literal('asc'), Type.Literal('desc')], { default: 'asc' })),
  from: Type.Optional(
    Type.String({ ...Id, description: 'Id of the message to begin with, in either order; in place of a cursor' }),
  ),
});

export function messageRoutes(app: TypedApp, deps: ChatDependencies): void {
  historyRoute(app, deps);
  sendRoute(app, deps);
}

function historyRoute(app: TypedApp, deps: ChatDependencies): void {
  const pages = new HistoryPages(deps.store.messages);
  app.get(
    '/api/chats/:chatId/messages',
    {
      config: { scope: 'chats:read' },
      schema: {
        tags: ['messages'],
        summary: 'History of a chat',
        params: ChatParams,
        querystring: HistoryQuery,
        response: { 200: PageOf(MessageShape), ...problems },
      },
    },
    async (request, reply) => {
      const chat = await deps.store.chats.findOwned(request.principal.userId, request.params.chatId);
      if (chat === null) throw notFound('chat');
      const { cursor = null, from = null, limit = 25, order = 'asc' } = request.query;
      const page = await pages.page(chat, { order, limit, cursor, from });
      reply.type('application/json; charset=utf-8');
      return reply.send(page as never);
    },
  );
}

function sendRoute(app: TypedApp, deps: ChatDependencies): void {
  app.post(
    '/api/chats/:chatId/messages',
    {
      config: { scope: 'chats:write' },
      preHandler: admitStream(deps),
      schema: {
        tags: ['messages'],
        summary: 'Send a message: a turn',
        description:
          'Waits for the answer by default; `Accept: text/event-stream` streams it; `Prefer: respond-async` answers 202 at once.',
        params: ChatParams,
        body: NewMessage,
        response: {
          200: Type.Object({ turn: TurnShape, message: Nullable(MessageShape) }),
          202: Type.Object({ turn: TurnShape }),
          ...problems,
        },
      },
    },
    async (request, reply) => {
      const { userId } = request.principal;
      const chat = await deps.store.chats.findOwned(userId, request.params.chatId);
      if (chat === null) throw notFound('chat');
      await replyWithTurn(request, reply, await turnOf(request, chat, request.body, deps), deps);
      return reply;
    },
  );
}

async function turnOf(
  request: FastifyRequest,
  chat: OwnedChat,
  asked: Static<typeof NewMessage>,
  deps: ChatDependencies,
): Promise<OwnedTurn> {
  const { content, attachments = [], model, delivery = 'reject' } = asked;
  const idempotency = idempotencyOf(request, { chatId: chat.id, ...asked });
  const earlier = await deps.engine.earlier(chat.userId, idempotency);
  if (earlier !== null) return earlier;
  const images = checkedAttachments(attachments);
  const chosen = await modelFor(deps, chat, model, images);
  const { turn } = await deps.engine.submit({
    chat,
    content,
    attachments: images,
    model: chosen.id,
    delivery,
    background: waitingOf(request) === 'async',
    idempotency,
    requestId: request.id,
    trace: request.trace,
  });
  return turn;
}
