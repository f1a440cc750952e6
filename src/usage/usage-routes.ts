/** `GET /api/usage`: what a person used, summed up by day, model or chat, from the ledger of model calls. */
import { Type } from 'typebox';
import type { Store, UsageGroup, UsageGrouping } from '../store/store.ts';
import { isoTime, Nullable, problems, Strict, Time } from '../wire/shapes.ts';
import type { TypedApp } from '../wire/typed-app.ts';
import { dayOf, readSpan } from './usage-span.ts';

/** What this room's routes are handed by the composition root. */
export interface UsageDependencies {
  readonly store: Pick<Store, 'usage'>;
  readonly clock: () => number;
}

const sums = {
  requests: Type.Integer({ description: 'Model calls' }),
  turns: Type.Integer({ description: 'Turns of chats they belonged to; OpenAI-compatible calls belong to none' }),
  inputTokens: Type.Integer(),
  outputTokens: Type.Integer(),
  cachedTokens: Type.Integer({ description: 'Input tokens that came from a cache' }),
  cost: Type.Number({ description: 'As Copilot reports it: premium requests' }),
};

const UsageShape = Type.Object({
  from: Time,
  to: Time,
  groupBy: Type.Enum(['day', 'model', 'chat']),
  items: Type.Array(
    Type.Object({
      day: Nullable(Type.String({ description: 'UTC, e.g. 2026-01-31' })),
      model: Nullable(Type.String()),
      chatId: Nullable(Type.String({ description: 'Null: OpenAI-compatible calls' })),
      ...sums,
    }),
  ),
  totals: Type.Object(sums),
  nextCursor: Type.Null(),
});

const UsageQuery = Strict({
  from: Type.Optional(
    Type.String({ maxLength: 40, description: 'Day or time, inclusive; default 30 days before `to`' }),
  ),
  to: Type.Optional(Type.String({ maxLength: 40, description: 'Day or time, exclusive; default now' })),
  groupBy: Type.Optional(Type.Enum(['day', 'model', 'chat'], { default: 'day' })),
});

/** Days of the longest span fit, and so do models; of chats, those with most requests. */
const MOST_GROUPS = 500;

/** Registers the route, for the guarded scope. */
export function registerUsage(app: TypedApp, { store, clock }: UsageDependencies): void {
  app.get(
    '/api/usage',
    {
      config: { scope: 'account:read' },
      schema: {
        tags: ['account'],
        summary: 'What I used, by day, model or chat',
        querystring: UsageQuery,
        response: { 200: UsageShape, ...problems },
      },
    },
    async (request) => {
      const { userId } = request.principal;
      const { from, to, groupBy = 'day' } = request.query;
      const span = readSpan(from, to, clock());
      const [groups, totals] = await Promise.all([
        store.usage.grouped(userId, { ...span, by: groupBy, limit: MOST_GROUPS }),
        store.usage.sum(userId, span),
      ]);
      return {
        from: isoTime(span.from),
        to: isoTime(span.to),
        groupBy,
        items: groups.map((group) => groupView(groupBy, group)),
        totals,
        nextCursor: null,
      };
    },
  );
}

function groupView(by: UsageGrouping, { key, ...sum }: UsageGroup) {
  return {
    day: by === 'day' && key !== null ? dayOf(Number(key)) : null,
    model: by === 'model' ? key : null,
    chatId: by === 'chat' ? key : null,
    ...sum,
  };
}
