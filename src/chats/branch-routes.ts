/** Another try at what was said: the last answer once more, or a message of one's own put differently. */
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { GatewayError, notFound } from '../errors.ts';
import type { AttachmentRecord, MessageRecord } from '../store/records.ts';
import type { OwnedChat, OwnedTurn, Replacement } from '../store/store.ts';
import { MessageShape, TurnShape } from '../turns/turn-shapes.ts';
import { Id, Nullable, problems, Strict } from '../wire/shapes.ts';
import type { TypedApp } from '../wire/typed-app.ts';
import type { ChatDependencies } from './chat-dependencies.ts';
import { ChatParams, ModelName } from './chat-routes.ts';
import { admitStream, replyWithTurn, waitingOf } from './turn-reply.ts';
import { Attachments, checkedAttachments, idempotencyOf, MessageContent, modelFor } from './turn-request.ts';

const MessageParams = Type.Object({ chatId: Id, messageId: Id });

const Regeneration = Strict({
  messageId: Type.Optional(Nullable(Id)),
  model: Type.Optional(Nullable(ModelName)),
});

const Edit = Strict({
  content: MessageContent,
  attachments: Type.Optional(Attachments),
  model: Type.Optional(Nullable(ModelName)),
});

const TURN_ANSWERS = {
  200: Type.Object({ turn: TurnShape, message: Nullable(MessageShape) }),
  202: Type.Object({ turn: TurnShape }),
  ...problems,
};

/** Registers `…/regenerate` and `…/messages/:messageId/edit`. */
export function branchRoutes(app: TypedApp, deps: ChatDependencies): void {
  regenerateRoute(app, deps);
  editRoute(app, deps);
}

function regenerateRoute(app: TypedApp, deps: ChatDependencies): void {
  app.post(
    '/api/chats/:chatId/regenerate',
    {
      config: { scope: 'chats:write' },
      preHandler: admitStream(deps),
      schema: {
        tags: ['messages'],
        summary: 'Answer again: a turn',
        description:
          'Replaces the last answer (or that of `messageId`) and everything after it. Waits like sending a message.',
        params: ChatParams,
        body: Regeneration,
        response: TURN_ANSWERS,
      },
    },
    async (request, reply) => {
      const chat = await ownChat(request, request.params.chatId, deps);
      const { messageId = null, model } = request.body;
      const question = await questionOf(chat, messageId, deps);
      const turn = await submit(request, deps, {
        chat,
        content: '',
        images: question?.attachments ?? [],
        model: model ?? null,
        replaces: { kind: 'regenerate', messageId },
        asked: { ...request.body, chatId: chat.id },
      });
      await replyWithTurn(request, reply, turn, deps);
      return reply;
    },
  );
}

function editRoute(app: TypedApp, deps: ChatDependencies): void {
  app.post(
    '/api/chats/:chatId/messages/:messageId/edit',
    {
      config: { scope: 'chats:write' },
      preHandler: admitStream(deps),
      schema: {
        tags: ['messages'],
        summary: 'Put a message differently: a turn',
        description:
          'Replaces that message of yours and everything after it with the new message and its answer. Waits like sending one.',
        params: MessageParams,
        body: Edit,
        response: TURN_ANSWERS,
      },
    },
    async (request, reply) => {
      const { messageId } = request.params;
      const chat = await ownChat(request, request.params.chatId, deps);
      const { content, attachments = [], model } = request.body;
      const edited = await deps.store.messages.find(chat.id, messageId);
      if (edited?.role === 'assistant') {
        throw new GatewayError(
          'validation_failed',
          'Only what you said can be edited; ask for another answer instead.',
        );
      }
      const turn = await submit(request, deps, {
        chat,
        content,
        images: checkedAttachments(attachments),
        model: model ?? null,
        replaces: { kind: 'edit', messageId },
        asked: { ...request.body, chatId: chat.id, messageId },
      });
      await replyWithTurn(request, reply, turn, deps);
      return reply;
    },
  );
}

async function ownChat(request: FastifyRequest, chatId: string, deps: ChatDependencies): Promise<OwnedChat> {
  const chat = await deps.store.chats.findOwned(request.principal.userId, chatId);
  if (chat === null) throw notFound('chat');
  return chat;
}

/**
 * The question that will be asked again, as far as it can be told before the chat is locked. Null: there is none, or an
 * earlier try with the same Idempotency-Key has removed the answer already, which only accepting the turn can tell.
 */
async function questionOf(
  chat: OwnedChat,
  messageId: string | null,
  { store }: ChatDependencies,
): Promise<MessageRecord | null> {
  const answer = messageId === null ? null : await store.messages.find(chat.id, messageId);
  if (messageId !== null && answer === null) return null;
  if (answer?.role === 'user') {
    throw new GatewayError(
      'validation_failed',
      'messageId must be that of an answer; edit a message of your own instead.',
    );
  }
  return store.messages.lastQuestion(chat.id, answer?.seq ?? Number.MAX_SAFE_INTEGER);
}

/** What either of them asks for; `asked` is all that makes the request the same request. */
interface Retake {
  readonly chat: OwnedChat;
  readonly content: string;
  readonly images: AttachmentRecord[];
  readonly model: string | null;
  readonly replaces: Replacement;
  readonly asked: Record<string, unknown>;
}

async function submit(request: FastifyRequest, deps: ChatDependencies, retake: Retake): Promise<OwnedTurn> {
  const { chat, content, images, replaces } = retake;
  // The kind of replacement is part of the request: a key used for one is not good for the other.
  const idempotency = idempotencyOf(request, { ...retake.asked, replaces: replaces.kind });
  const earlier = await deps.engine.earlier(chat.userId, idempotency);
  if (earlier !== null) return earlier;
  const model = await modelFor(deps, chat, retake.model, images);
  const { turn } = await deps.engine.submit({
    chat,
    content,
    attachments: images,
    model: model.id,
    delivery: 'reject',
    background: waitingOf(request) === 'async',
    replaces,
    idempotency,
    requestId: request.id,
    trace: request.trace,
  });
  return turn;
}
