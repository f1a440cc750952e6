/** A chat that goes on from somewhere in another one, which stays as it is. */
import { Type } from 'typebox';
import { GatewayError, notFound } from '../errors.ts';
import type { ForkOutcome, OwnedChat } from '../store/store.ts';
import { ChatShape, chatView } from '../turns/turn-shapes.ts';
import { newId } from '../wire/ids.ts';
import { Id, Nullable, problems, Strict } from '../wire/shapes.ts';
import type { TypedApp } from '../wire/typed-app.ts';
import type { ChatDependencies } from './chat-dependencies.ts';
import { ChatParams, Title } from './chat-routes.ts';

const ForkRequest = Strict({
  messageId: Type.Optional(Nullable(Id)),
  title: Type.Optional(Nullable(Title)),
});

/** More than any model's context holds, and copied in well under a second. Characters as stored. */
const LIMITS = { messages: 2_000, text: 4_000_000, images: 32_000_000 };

/** Registers `/api/chats/:chatId/fork`. */
export function forkRoutes(app: TypedApp, deps: ChatDependencies): void {
  app.post(
    '/api/chats/:chatId/fork',
    {
      config: { scope: 'chats:write' },
      schema: {
        tags: ['chats'],
        summary: 'Fork a chat: a new one with its history up to a message',
        params: ChatParams,
        body: ForkRequest,
        response: { 201: ChatShape, ...problems },
      },
    },
    async (request, reply) => {
      const { userId } = request.principal;
      const { messageId = null, title = null } = request.body;
      const from = { userId, chatId: request.params.chatId, messageId };
      const outcome = await deps.store.branches.fork({
        ...from,
        id: newId(),
        title,
        now: deps.clock(),
        limits: LIMITS,
      });
      const chat = forked(outcome);
      deps.userEvents.publish(userId, { event: 'chat.created', data: { chat: chatView(chat) } });
      return reply.code(201).header('location', `/api/chats/${chat.id}`).send(chatView(chat));
    },
  );
}

function forked(outcome: ForkOutcome): OwnedChat {
  switch (outcome.kind) {
    case 'forked':
      return outcome.chat;
    case 'chat_gone':
      throw notFound('chat');
    case 'message_gone':
      throw notFound('message');
    case 'too_long':
      throw new GatewayError(
        'validation_failed',
        `At most ${LIMITS.messages} messages and ${LIMITS.text / 1e6} million characters can be forked: name an earlier message.`,
      );
  }
}
