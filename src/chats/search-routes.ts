/** Search that shows what was found: pieces of titles and messages, with the words marked. */
import { Type } from 'typebox';
import { snippetOf } from '../store/search-snippet.ts';
import type { SearchHit } from '../store/store.ts';
import { ChatShape, chatView } from '../turns/turn-shapes.ts';
import { decodeCursor, encodeCursor } from '../wire/cursor.ts';
import { isoTime, Nullable, PageOf, PageQuery, problems, Strict, Time } from '../wire/shapes.ts';
import type { TypedApp } from '../wire/typed-app.ts';
import type { ChatDependencies } from './chat-dependencies.ts';
import { ChatKey } from './chat-routes.ts';

const SearchQuery = Strict({
  ...PageQuery,
  q: Type.String({ minLength: 1, maxLength: 200, pattern: '\\S', description: 'Words to find in titles and messages' }),
});

/** Which message it is; its words are in the snippet. */
const FoundMessage = Type.Object({
  id: Type.String(),
  turnId: Type.String(),
  role: Type.Union([Type.Literal('user'), Type.Literal('assistant')]),
  model: Nullable(Type.String()),
  status: Type.Union([Type.Literal('complete'), Type.Literal('partial')]),
  createdAt: Time,
});

const Found = Type.Object({
  chat: ChatShape,
  message: Nullable(FoundMessage),
  snippet: Type.String(),
  highlights: Type.Array(Type.Tuple([Type.Integer(), Type.Integer()]), {
    description: '[start, end) in UTF-16 code units of the snippet',
  }),
});

/** Registers `/api/search`. */
export function searchRoutes(app: TypedApp, deps: ChatDependencies): void {
  app.get(
    '/api/search',
    {
      config: { scope: 'chats:read' },
      schema: {
        tags: ['chats'],
        summary: 'Find words in titles and messages, newest first',
        querystring: SearchQuery,
        response: { 200: PageOf(Found), ...problems },
      },
    },
    async (request) => {
      const { q, cursor, limit = 25 } = request.query;
      const page = await deps.store.search.texts(request.principal.userId, {
        q,
        limit,
        ...(cursor === undefined ? {} : { after: decodeCursor(ChatKey, cursor) }),
      });
      return { items: page.items.map((hit) => foundView(hit, q)), nextCursor: encodeCursor(page.next) };
    },
  );
}

function foundView({ chat, message }: SearchHit, q: string) {
  const text = message === null ? (chat.title ?? '') : message.content;
  return { chat: chatView(chat), message: message === null ? null : referenceTo(message), ...snippetOf(text, q) };
}

function referenceTo({ id, turnId, role, model, status, createdAt }: NonNullable<SearchHit['message']>) {
  return { id, turnId, role, model, status, createdAt: isoTime(createdAt) };
}
