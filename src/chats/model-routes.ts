/** What this user may use: models and Copilot quota. */
import { Type } from 'typebox';
import { defaultOf, userModels } from '../turns/model-choice.ts';
import { Nullable, problems } from '../wire/shapes.ts';
import type { TypedApp } from '../wire/typed-app.ts';
import type { ChatDependencies } from './chat-dependencies.ts';

const ModelShape = Type.Object({
  id: Type.String(),
  name: Type.String(),
  vision: Type.Boolean(),
  contextWindow: Nullable(Type.Integer()),
  maxOutputTokens: Nullable(Type.Integer()),
  multiplier: Nullable(Type.Number({ description: 'Premium requests a turn costs' })),
  reasoningEfforts: Type.Array(Type.String()),
  default: Type.Boolean({ description: 'Answers where nobody chose' }),
});

const QuotaShape = Type.Object({
  name: Type.String(),
  entitlement: Nullable(Type.Number()),
  used: Nullable(Type.Number()),
  remainingPercentage: Nullable(Type.Number()),
  unlimited: Type.Boolean(),
  overageAllowed: Type.Boolean(),
  resetsAt: Nullable(Type.String()),
});

const QUOTA_MS = 15_000;

export function modelRoutes(app: TypedApp, deps: ChatDependencies): void {
  app.get(
    '/api/models',
    {
      config: { scope: 'chats:read' },
      schema: {
        tags: ['models'],
        summary: 'Models this user may use',
        response: { 200: Type.Object({ items: Type.Array(ModelShape), nextCursor: Type.Null() }), ...problems },
      },
    },
    async (request) => {
      const models = await userModels(deps, request.principal.userId);
      const preferred = defaultOf(models, deps.defaultModel);
      const items = models.map((model) => ({
        ...model,
        reasoningEfforts: [...model.reasoningEfforts],
        default: model === preferred,
      }));
      return { items, nextCursor: null };
    },
  );
  app.get(
    '/api/quota',
    {
      config: { scope: 'account:read' },
      schema: {
        tags: ['models'],
        summary: 'Copilot quota of this user',
        response: { 200: Type.Object({ items: Type.Array(QuotaShape), nextCursor: Type.Null() }), ...problems },
      },
    },
    async (request) => {
      const signal = AbortSignal.timeout(QUOTA_MS);
      const user = await deps.credentials.runtimeUser(request.principal.userId, signal);
      return { items: [...(await deps.runtimes.quota(user, signal))], nextCursor: null };
    },
  );
}
