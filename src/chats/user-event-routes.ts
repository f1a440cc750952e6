/** `GET /api/events`: what changes for this user, for his other tabs and devices. */

import type { SseFrame } from '../wire/event-stream.ts';
import { problems, StreamBody } from '../wire/shapes.ts';
import type { TypedApp } from '../wire/typed-app.ts';
import type { ChatDependencies } from './chat-dependencies.ts';

export function userEventRoutes(app: TypedApp, deps: ChatDependencies): void {
  app.get(
    '/api/events',
    {
      config: { scope: 'chats:read' },
      exposeHeadRoute: false,
      schema: { tags: ['events'], summary: "This user's changes (SSE)", response: { 200: StreamBody, ...problems } },
    },
    async (request, reply) => {
      const { userId } = request.principal;
      deps.streams.admit(userId, reply);
      await deps.streams.send(reply, (signal) => frames(deps, userId, signal), deps.untilRevoked(request, reply));
      return reply;
    },
  );
}

async function* frames(deps: ChatDependencies, userId: string, signal: AbortSignal): AsyncGenerator<SseFrame> {
  // Not a log: these frames have no id, whoever reconnects reads the lists again.
  for await (const { event, data } of deps.userEvents.follow(userId, signal)) {
    yield { id: null, event, data: JSON.stringify(data) };
  }
}
