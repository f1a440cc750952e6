/** A chat as a file: JSON for machines, Markdown for people. Written as it is read, page by page. */
import { Readable } from 'node:stream';
import { Type } from 'typebox';
import { notFound } from '../errors.ts';
import type { MessageRecord } from '../store/records.ts';
import type { OwnedChat, Store } from '../store/store.ts';
import { chatView, messageView } from '../turns/turn-shapes.ts';
import { isoTime, problems, StreamBody, Strict } from '../wire/shapes.ts';
import type { TypedApp } from '../wire/typed-app.ts';
import type { ChatDependencies } from './chat-dependencies.ts';
import { ChatParams } from './chat-routes.ts';

const ExportQuery = Strict({
  format: Type.Optional(Type.Union([Type.Literal('json'), Type.Literal('markdown')], { default: 'json' })),
});

const PAGE = 100;

const FORMATS = {
  json: { type: 'application/json; charset=utf-8', extension: 'json', write: writeJson },
  markdown: { type: 'text/markdown; charset=utf-8', extension: 'md', write: writeMarkdown },
} as const;

export function exportRoutes(app: TypedApp, deps: ChatDependencies): void {
  app.get(
    '/api/chats/:chatId/export',
    {
      config: { scope: 'chats:read' },
      schema: {
        tags: ['chats'],
        summary: 'Download a chat',
        params: ChatParams,
        querystring: ExportQuery,
        response: { 200: StreamBody, ...problems },
      },
    },
    async (request, reply) => {
      const chat = await deps.store.chats.findOwned(request.principal.userId, request.params.chatId);
      if (chat === null) throw notFound('chat');
      const { type, extension, write } = FORMATS[request.query.format ?? 'json'];
      return reply
        .header('content-type', type)
        .header('content-disposition', `attachment; filename="chat-${chat.id}.${extension}"`)
        .send(Readable.from(write(chat, messagesOf(deps.store, chat.id))));
    },
  );
}

async function* messagesOf(store: Store, chatId: string): AsyncGenerator<MessageRecord> {
  let after: number | null = null;
  do {
    const page = await store.messages.list(chatId, { order: 'asc', limit: PAGE, ...(after === null ? {} : { after }) });
    yield* page.items;
    after = page.next;
  } while (after !== null);
}

async function* writeJson(chat: OwnedChat, messages: AsyncIterable<MessageRecord>): AsyncGenerator<string> {
  yield `{"chat":${JSON.stringify(chatView(chat))},"messages":[`;
  let separator = '\n';
  for await (const message of messages) {
    yield separator + JSON.stringify(messageView(message));
    separator = ',\n';
  }
  yield '\n]}\n';
}

async function* writeMarkdown(chat: OwnedChat, messages: AsyncIterable<MessageRecord>): AsyncGenerator<string> {
  yield `# ${(chat.title ?? 'Chat').replace(/\s+/g, ' ')}\n`;
  for await (const { role, model, createdAt, status, content, attachments } of messages) {
    const speaker = role === 'user' ? 'You' : `Copilot${model === null ? '' : ` (${model})`}`;
    yield `\n## ${speaker} · ${isoTime(createdAt)}${status === 'partial' ? ' · incomplete' : ''}\n\n`;
    for (const { name, mimeType } of attachments) yield `*Image: ${name ?? mimeType}*\n\n`;
    yield `${content.trimEnd()}\n`;
  }
}
