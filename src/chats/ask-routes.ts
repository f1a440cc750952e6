/**
 * `POST /api/chat`, the one call of GitHub's backend guide: create or resume, wait, answer. The caller's `sessionId` is his
 * own name for the chat: the same name of two users is two chats.
 */
import type { FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { type ErrorCode, GatewayError } from '../errors.ts';
import type { OwnedChat, OwnedTurn } from '../store/store.ts';
import { chatView } from '../turns/turn-shapes.ts';
import { newId } from '../wire/ids.ts';
import { Nullable, problems, Strict } from '../wire/shapes.ts';
import type { TypedApp } from '../wire/typed-app.ts';
import type { ChatDependencies } from './chat-dependencies.ts';
import { ModelName } from './chat-routes.ts';
import { chooseModel } from './model-choice.ts';
import { endedTurn } from './turn-reply.ts';
import { idempotencyOf, MessageContent } from './turn-request.ts';

const Ask = Strict({
  sessionId: Type.Optional(
    Nullable(
      Type.String({ minLength: 1, maxLength: 200, pattern: '\\S', description: "The caller's own name for the chat" }),
    ),
  ),
  message: MessageContent,
  model: Type.Optional(Nullable(ModelName)),
});

/** Of a chat that was removed while it was asked for. */
const GONE: ReadonlySet<ErrorCode> = new Set(['not_found', 'conflict']);

const Answer = Type.Object({ sessionId: Type.String(), content: Type.String() });

export function askRoutes(app: TypedApp, deps: ChatDependencies): void {
  app.post(
    '/api/chat',
    {
      config: { scope: 'chats:write' },
      schema: {
        tags: ['messages'],
        summary: 'Ask and wait: creates or resumes the chat',
        body: Ask,
        response: { 200: Answer, ...problems },
      },
    },
    async (request, reply) => {
      const { chat, turn } = await ask(request, request.body, deps);
      const { message } = await endedTurn(request, reply, turn, deps);
      if (message === null || turn.status === 'cancelled') {
        throw new GatewayError('cancelled', 'The turn was cancelled before it was answered.', {
          extensions: { turnId: turn.id },
        });
      }
      return { sessionId: chat.sessionId ?? chat.id, content: message.content };
    },
  );
}

type Asked = Static<typeof Ask>;

/** A turn, and the chat it is in. */
interface Taken {
  readonly chat: OwnedChat;
  readonly turn: OwnedTurn;
}

/** The chat of that name may go between the look for it and the message: a refused call takes back what it made. */
async function ask(request: FastifyRequest, asked: Asked, deps: ChatDependencies): Promise<Taken> {
  try {
    return await askOnce(request, asked, deps);
  } catch (error) {
    if (!(error instanceof GatewayError && GONE.has(error.code))) throw error;
    return await askOnce(request, asked, deps);
  }
}

async function askOnce(request: FastifyRequest, asked: Asked, deps: ChatDependencies): Promise<Taken> {
  const { userId } = request.principal;
  const idempotency = idempotencyOf(request, asked);
  const earlier = await deps.engine.earlier(userId, idempotency);
  const first = earlier && (await deps.store.chats.findOwned(userId, earlier.chatId));
  if (earlier !== null && first !== null) return { chat: first, turn: earlier };
  const known = await findChat(userId, asked.sessionId ?? null, deps);
  const model = await chooseModel(deps, userId, [asked.model, known?.model]);
  const { chat, created } =
    known === null ? await createChat(userId, asked.sessionId ?? null, deps) : { chat: known, created: false };
  try {
    const submitted = await deps.engine.submit({
      chat,
      content: asked.message,
      attachments: [],
      model: model.id,
      delivery: 'reject',
      background: false,
      idempotency,
      requestId: request.id,
      trace: request.trace,
    });
    return await settled(chat, created, submitted.turn, deps);
  } catch (error) {
    // Nothing is left behind by a message that was not taken, unless another call of the same name came into the chat.
    if (created) await deps.store.chats.deleteUnused(userId, chat.id);
    throw error;
  }
}

/** A retry with the same Idempotency-Key and no `sessionId` has the first call's chat, not the one just made for it. */
async function settled(chat: OwnedChat, created: boolean, turn: OwnedTurn, deps: ChatDependencies): Promise<Taken> {
  if (turn.chatId !== chat.id) {
    if (created) await deps.store.chats.deleteUnused(chat.userId, chat.id);
    const first = await deps.store.chats.findOwned(chat.userId, turn.chatId);
    return { chat: first ?? chat, turn };
  }
  if (created) deps.userEvents.publish(chat.userId, { event: 'chat.created', data: { chat: chatView(chat) } });
  return { chat, turn };
}

/** By the caller's own name, or by the id that an earlier answer gave him. */
async function findChat(userId: string, sessionId: string | null, deps: ChatDependencies): Promise<OwnedChat | null> {
  if (sessionId === null) return null;
  return (
    (await deps.store.chats.findBySessionId(userId, sessionId)) ?? (await deps.store.chats.findOwned(userId, sessionId))
  );
}

async function createChat(
  userId: string,
  sessionId: string | null,
  deps: ChatDependencies,
): Promise<{ chat: OwnedChat; created: boolean }> {
  const id = newId();
  const now = deps.clock();
  if (sessionId !== null) return deps.store.chats.findOrCreateBySessionId(userId, sessionId, { id, model: null, now });
  const chat = await deps.store.chats.create({
    id,
    userId,
    sessionId,
    title: null,
    model: null,
    systemPrompt: null,
    now,
  });
  return { chat, created: true };
}
