/** A chat from a file, as `GET …/export?format=json` writes it. Its ids say nothing here: whoever wrote the file chose them. */
import { type Static, Type } from 'typebox';
import { GatewayError } from '../errors.ts';
import type { ImportedChat } from '../store/store.ts';
import { userModels } from '../turns/model-choice.ts';
import { ChatShape, chatView } from '../turns/turn-shapes.ts';
import { newId } from '../wire/ids.ts';
import { Id, Nullable, problems, Strict } from '../wire/shapes.ts';
import type { TypedApp } from '../wire/typed-app.ts';
import type { ChatDependencies } from './chat-dependencies.ts';
import { ModelName, Title } from './chat-routes.ts';
import { Attachments, checkedAttachments } from './turn-request.ts';

/** As many as a fork copies. */
const MOST_MESSAGES = 2_000;
const SystemPrompt = Type.String({ maxLength: 32_000 });
const WrittenTime = Type.Optional(Type.String({ maxLength: 40 }));

const ImportedMessage = Strict({
  ...{ id: Type.Optional(Id), chatId: Type.Optional(Id), turnId: Type.Optional(Id) },
  role: Type.Union([Type.Literal('user'), Type.Literal('assistant')]),
  content: Type.String({ maxLength: 400_000 }),
  attachments: Type.Optional(Attachments),
  model: Type.Optional(Nullable(ModelName)),
  status: Type.Optional(Type.Union([Type.Literal('complete'), Type.Literal('partial')])),
  createdAt: WrittenTime,
});

const Import = Strict({
  chat: Strict({
    ...{ id: Type.Optional(Id), sessionId: Type.Optional(Type.String({ maxLength: 200 })) },
    title: Type.Optional(Nullable(Title)),
    model: Type.Optional(Nullable(ModelName)),
    systemPrompt: Type.Optional(Nullable(SystemPrompt)),
    ...{ pinned: Type.Optional(Type.Boolean()), archived: Type.Optional(Type.Boolean()) },
    ...{ createdAt: WrittenTime, updatedAt: WrittenTime },
  }),
  messages: Type.Array(ImportedMessage, { maxItems: MOST_MESSAGES }),
});

/** Registers `/api/chats/import`. */
export function importRoutes(app: TypedApp, deps: ChatDependencies): void {
  app.post(
    '/api/chats/import',
    {
      config: { scope: 'chats:write' },
      schema: {
        tags: ['chats'],
        summary: 'Import a chat that was exported as JSON',
        body: Import,
        response: { 201: ChatShape, ...problems },
      },
    },
    async (request, reply) => {
      const { userId } = request.principal;
      const imported = importedChat(userId, request.body, deps.clock());
      const model = await usableModel(deps, userId, imported.model);
      const chat = await deps.store.branches.import({ ...imported, model });
      deps.userEvents.publish(userId, { event: 'chat.created', data: { chat: chatView(chat) } });
      return reply.code(201).header('location', `/api/chats/${chat.id}`).send(chatView(chat));
    },
  );
}

/** A file outlives models: one that is gone leaves the choice to the default. */
async function usableModel(deps: ChatDependencies, userId: string, name: string | null): Promise<string | null> {
  if (name === null) return null;
  const models = await userModels(deps, userId);
  return models.some(({ id }) => id === name) ? name : null;
}

function importedChat(userId: string, { chat, messages }: Static<typeof Import>, now: number): ImportedChat {
  const times = saneTimes([chat.createdAt, ...messages.map(({ createdAt }) => createdAt)], now);
  const turnIds = turnIdsOf(messages);
  const { title = null, model = null, systemPrompt = null } = chat;
  return {
    ...{ id: newId(), userId, title, model, now, createdAt: times[0] ?? now },
    systemPrompt: systemPrompt === '' ? null : systemPrompt,
    messages: messages.map((message, index) => ({
      ...{ id: newId(), turnId: turnIds[index] ?? newId(), role: message.role, content: message.content },
      attachments: imagesOf(message, index),
      ...{ model: message.model ?? null, status: message.status ?? 'complete', createdAt: times[index + 1] ?? now },
    })),
  };
}

/** @throws GatewayError `attachment_rejected`, for the answers' too: nobody's answer here has images */
function imagesOf({ role, attachments = [] }: Static<typeof ImportedMessage>, index: number) {
  if (role === 'assistant' && attachments.length > 0) {
    throw new GatewayError(
      'attachment_rejected',
      `Message ${index + 1} is an answer, and answers have no attachments.`,
    );
  }
  return checkedAttachments(attachments);
}

/** A turn is questions and at most one answer. */
function turnIdsOf(messages: readonly { role: 'user' | 'assistant' }[]): string[] {
  let current = newId();
  let answered = false;
  return messages.map(({ role }) => {
    if (answered) current = newId();
    answered = role === 'assistant';
    return current;
  });
}

/** Times as they were written, where they are times, not before the one before them and not to come; otherwise now. */
function saneTimes(written: readonly (string | undefined)[], now: number): number[] {
  let least = Date.UTC(2000, 0);
  return written.map((text) => {
    const time = text === undefined ? Number.NaN : Date.parse(text);
    least = time >= least && time <= now ? time : now;
    return least;
  });
}
