/** Chats: create, list, read, change, delete. */
import { Type } from 'typebox';
import { GatewayError, notFound } from '../errors.ts';
import { runtimeSessionId } from '../turns/turn-runner.ts';
import { ChatShape, chatView } from '../turns/turn-shapes.ts';
import { decodeCursor, encodeCursor } from '../wire/cursor.ts';
import { newId } from '../wire/ids.ts';
import { Id, Nullable, PageOf, PageQuery, problems, Strict } from '../wire/shapes.ts';
import type { TypedApp } from '../wire/typed-app.ts';
import type { ChatDependencies } from './chat-dependencies.ts';
import { availableModel } from './model-choice.ts';

export const Title = Type.String({ minLength: 1, maxLength: 200, pattern: '\\S' });
export const ModelName = Type.String({ minLength: 1, maxLength: 200 });

const NewChat = Strict({
  title: Type.Optional(Nullable(Title)),
  model: Type.Optional(Nullable(ModelName)),
  systemPrompt: Type.Optional(Nullable(Type.String({ maxLength: 32_000 }))),
});

const ChatPatch = Type.Object(
  {
    title: Type.Optional(Title),
    model: Type.Optional(Nullable(ModelName)),
    pinned: Type.Optional(Type.Boolean()),
    archived: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false, minProperties: 1 },
);

export const ChatParams = Type.Object({ chatId: Id });

const ListQuery = Strict({
  ...PageQuery,
  q: Type.Optional(Type.String({ maxLength: 200, description: 'Words to find in titles and messages' })),
  archived: Type.Optional(Type.Boolean({ description: 'Only archived ones, or only the others; default both' })),
  pinned: Type.Optional(Type.Boolean({ description: 'Only pinned ones, or only the others; default both' })),
});

/** Where a list by time goes on. */
export const ChatKey = Type.Object({
  updatedAt: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  id: Type.String({ pattern: '^[\\w-]{1,64}$' }),
});

/** How long a runtime may take to forget a deleted chat; what is left is removed by the clean-up. */
const RUNTIME_DELETE_MS = 5_000;

/** Registers `/api/chats` and `/api/chats/:chatId`. */
export function chatRoutes(app: TypedApp, deps: ChatDependencies): void {
  createRoute(app, deps);
  listRoute(app, deps);
  readRoute(app, deps);
  updateRoute(app, deps);
  deleteRoute(app, deps);
}

function createRoute(app: TypedApp, deps: ChatDependencies): void {
  app.post(
    '/api/chats',
    {
      config: { scope: 'chats:write' },
      schema: { tags: ['chats'], summary: 'Create a chat', body: NewChat, response: { 201: ChatShape, ...problems } },
    },
    async (request, reply) => {
      const { userId } = request.principal;
      const { title = null, model = null, systemPrompt = null } = request.body;
      if (model !== null) await availableModel(deps, userId, model);
      const chat = await deps.store.chats.create({
        id: newId(),
        userId,
        sessionId: null,
        title,
        model,
        systemPrompt: systemPrompt === '' ? null : systemPrompt,
        now: deps.clock(),
      });
      deps.userEvents.publish(userId, { event: 'chat.created', data: { chat: chatView(chat) } });
      return reply.code(201).header('location', `/api/chats/${chat.id}`).send(chatView(chat));
    },
  );
}

function listRoute(app: TypedApp, deps: ChatDependencies): void {
  app.get(
    '/api/chats',
    {
      config: { scope: 'chats:read' },
      schema: {
        tags: ['chats'],
        summary: 'List chats, newest activity first',
        querystring: ListQuery,
        response: { 200: PageOf(ChatShape), ...problems },
      },
    },
    async (request) => {
      const { q, cursor, limit = 25, archived, pinned } = request.query;
      const words = q?.trim();
      const page = await deps.store.chats.list(request.principal.userId, {
        limit,
        ...(words === undefined || words === '' ? {} : { q: words }),
        ...(archived === undefined ? {} : { archived }),
        ...(pinned === undefined ? {} : { pinned }),
        ...(cursor === undefined ? {} : { after: decodeCursor(ChatKey, cursor) }),
      });
      return { items: page.items.map(chatView), nextCursor: encodeCursor(page.next) };
    },
  );
}

function readRoute(app: TypedApp, deps: ChatDependencies): void {
  app.get(
    '/api/chats/:chatId',
    {
      config: { scope: 'chats:read' },
      schema: {
        tags: ['chats'],
        summary: 'Read a chat',
        params: ChatParams,
        response: { 200: ChatShape, ...problems },
      },
    },
    async (request) => {
      const chat = await deps.store.chats.findOwned(request.principal.userId, request.params.chatId);
      if (chat === null) throw notFound('chat');
      return chatView(chat);
    },
  );
}

function updateRoute(app: TypedApp, deps: ChatDependencies): void {
  app.patch(
    '/api/chats/:chatId',
    {
      config: { scope: 'chats:write' },
      schema: {
        tags: ['chats'],
        summary: 'Rename, pin, archive, choose a model',
        params: ChatParams,
        body: ChatPatch,
        response: { 200: ChatShape, ...problems },
      },
    },
    async (request) => {
      const { userId } = request.principal;
      if ((await deps.store.chats.findOwned(userId, request.params.chatId)) === null) throw notFound('chat');
      const { model } = request.body;
      if (model !== undefined && model !== null) await availableModel(deps, userId, model);
      const chat = await deps.store.chats.update(userId, request.params.chatId, request.body, deps.clock());
      if (chat === null) throw notFound('chat');
      deps.userEvents.publish(userId, { event: 'chat.updated', data: { chat: chatView(chat) } });
      return chatView(chat);
    },
  );
}

function deleteRoute(app: TypedApp, deps: ChatDependencies): void {
  app.delete(
    '/api/chats/:chatId',
    {
      config: { scope: 'chats:write' },
      schema: {
        tags: ['chats'],
        summary: 'Delete a chat everywhere',
        params: ChatParams,
        response: { 204: Type.Null(), ...problems },
      },
    },
    async (request, reply) => {
      const { userId } = request.principal;
      const chat = await deps.store.chats.findOwned(userId, request.params.chatId);
      if (chat === null) throw notFound('chat');
      await deps.engine.stopChat(chat.id);
      if (!(await deps.store.chats.delete(userId, chat.id))) throw notFound('chat');
      // A message may have been taken while we stopped the others.
      await deps.engine.stopChat(chat.id);
      deps.userEvents.publish(userId, { event: 'chat.deleted', data: { id: chat.id } });
      await forgetInRuntime(deps, userId, chat.id).catch((error: unknown) =>
        request.log.warn({ err: error, chatId: chat.id }, 'the runtime session is left to the clean-up'),
      );
      return reply.code(204).send(null);
    },
  );
}

async function forgetInRuntime(deps: ChatDependencies, userId: string, chatId: string): Promise<void> {
  const signal = AbortSignal.timeout(RUNTIME_DELETE_MS);
  const user = await deps.credentials.runtimeUser(userId, signal).catch((error: unknown) => {
    // Without a good token the session can still be removed where the gateway itself keeps it.
    if (error instanceof GatewayError) return { userId };
    throw error;
  });
  await deps.runtimes.deleteSession(user, runtimeSessionId(userId, chatId), signal);
}
