/** The ledger of model calls. Those of a turn are written with its end (`turn-ending.ts`), the others by `add`. */
import { type ExpressionBuilder, type RawBuilder, type Selectable, sql } from 'kysely';
import type { Database } from './database.ts';
import type { UsageRecord } from './records.ts';
import type { Schema, UsageTable } from './schema.ts';
import type { CreationKey, UsageGroup, UsageGrouping, UsageRepository, UsageSum, UsageTotal } from './store.ts';

const DEFAULT_LIMIT = 1_000;

/** Both engines divide whole numbers to whole numbers. A column's own name needs no parameter, so grouping by it is legal. */
const KEYS: Record<UsageGrouping, RawBuilder<string | number | null>> = {
  day: sql`created_at / 86400000`,
  model: sql`model`,
  chat: sql`chat_id`,
};

/** The row of a record. */
export function usageRow(usage: UsageRecord): Selectable<UsageTable> {
  return {
    id: usage.id,
    turn_id: usage.turnId,
    chat_id: usage.chatId,
    user_id: usage.userId,
    model: usage.model,
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    cached_tokens: usage.cachedTokens,
    cost: usage.cost,
    created_at: usage.createdAt,
  };
}

/** {@link UsageRepository} on either engine. */
export class SqlUsageRepository implements UsageRepository {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async add(records: readonly UsageRecord[]): Promise<void> {
    if (records.length === 0) return;
    await this.#database.write((db) => db.insertInto('usage_records').values(records.map(usageRow)).execute());
  }

  async grouped(
    userId: string,
    { from, to, by, limit }: { from: number; to: number; by: UsageGrouping; limit: number },
  ): Promise<UsageGroup[]> {
    const key = KEYS[by];
    const rows = await this.#within(userId, from, to)
      .select((eb) => [key.as('key'), ...sums(eb)])
      .groupBy(key)
      .orderBy(by === 'day' ? key : sql`count(*)`, 'desc')
      .orderBy(key)
      .limit(limit)
      .execute();
    return rows.map((row) => ({ key: row.key === null ? null : String(row.key), ...usageSum(row) }));
  }

  async sum(userId: string, { from, to }: { from: number; to: number }): Promise<UsageSum> {
    return usageSum(await this.#within(userId, from, to).select(sums).executeTakeFirstOrThrow());
  }

  #within(userId: string, from: number, to: number) {
    return this.#database.read
      .selectFrom('usage_records')
      .where('user_id', '=', userId)
      .where('created_at', '>=', from)
      .where('created_at', '<', to);
  }

  async ofUser(
    userId: string,
    { from, to, after, limit = DEFAULT_LIMIT }: { from: number; to: number; after?: CreationKey; limit?: number },
  ): Promise<UsageRecord[]> {
    let query = this.#database.read
      .selectFrom('usage_records')
      .selectAll()
      .where('user_id', '=', userId)
      .where('created_at', '>=', from)
      .where('created_at', '<', to);
    if (after) {
      query = query.where((eb) => eb(eb.refTuple('created_at', 'id'), '<', eb.tuple(after.createdAt, after.id)));
    }
    const rows = await query.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limit).execute();
    return rows.map((row) => ({
      id: row.id,
      turnId: row.turn_id,
      chatId: row.chat_id,
      userId: row.user_id,
      model: row.model,
      inputTokens: row.input_tokens,
      outputTokens: row.output_tokens,
      cachedTokens: row.cached_tokens,
      cost: row.cost,
      createdAt: row.created_at,
    }));
  }

  async totals(userId: string, { from, to }: { from: number; to: number }): Promise<UsageTotal[]> {
    const rows = await this.#database.read
      .selectFrom('usage_records')
      .select(({ fn }) => [
        'model',
        fn.countAll().as('requests'),
        fn.sum('input_tokens').as('input_tokens'),
        fn.sum('output_tokens').as('output_tokens'),
        fn.sum('cached_tokens').as('cached_tokens'),
        fn.sum('cost').as('cost'),
      ])
      .where('user_id', '=', userId)
      .where('created_at', '>=', from)
      .where('created_at', '<', to)
      .groupBy('model')
      .orderBy('model')
      .execute();
    // PostgreSQL's sum of bigint is numeric, which arrives as text.
    return rows.map((row) => ({
      model: row.model,
      requests: Number(row.requests),
      inputTokens: Number(row.input_tokens),
      outputTokens: Number(row.output_tokens),
      cachedTokens: Number(row.cached_tokens),
      cost: Number(row.cost ?? 0),
    }));
  }
}

function sums({ fn }: ExpressionBuilder<Schema, 'usage_records'>) {
  return [
    fn.countAll().as('requests'),
    fn.count('turn_id').distinct().as('turns'),
    fn.sum('input_tokens').as('input_tokens'),
    fn.sum('output_tokens').as('output_tokens'),
    fn.sum('cached_tokens').as('cached_tokens'),
    fn.sum('cost').as('cost'),
  ] as const;
}

type Sums = Record<'requests' | 'turns' | 'input_tokens' | 'output_tokens' | 'cached_tokens' | 'cost', unknown>;

/** PostgreSQL's sum of bigint is numeric, which arrives as text; a sum of nothing is null. */
function usageSum(row: Sums): UsageSum {
  return {
    requests: Number(row.requests),
    turns: Number(row.turns),
    inputTokens: Number(row.input_tokens ?? 0),
    outputTokens: Number(row.output_tokens ?? 0),
    cachedTokens: Number(row.cached_tokens ?? 0),
    cost: Number(row.cost ?? 0),
  };
}
