/** The ledger of model calls. Rows are written with the end of their turn (`turn-ending.ts`). */
import type { Database } from './database.ts';
import type { UsageRecord } from './records.ts';
import type { CreationKey, UsageRepository, UsageTotal } from './store.ts';

const DEFAULT_LIMIT = 1_000;

/** {@link UsageRepository} on either engine. */
export class SqlUsageRepository implements UsageRepository {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
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
