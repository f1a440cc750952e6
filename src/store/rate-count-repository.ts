/** Request counts of all instances; one statement counts many callers. */
import type { Database } from './database.ts';
import type { RateCount, RateCountRepository } from './rate-counts.ts';

/** {@link RateCountRepository} on PostgreSQL. */
export class SqlRateCountRepository implements RateCountRepository {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async add(counts: readonly RateCount[]): Promise<RateCount[]> {
    if (counts.length === 0) return [];
    // In one order everywhere, so that two instances do not wait for each other's rows in a circle.
    const rows = counts
      .map(({ key, windowAt, count }) => ({ key, window_at: windowAt, count }))
      .sort((a, b) => (a.key < b.key ? -1 : 1));
    const sums = await this.#database.write((db) =>
      db
        .insertInto('rate_counts')
        .values(rows)
        .onConflict((conflict) =>
          conflict
            .columns(['key', 'window_at'])
            .doUpdateSet((eb) => ({ count: eb('rate_counts.count', '+', eb.ref('excluded.count')) })),
        )
        .returningAll()
        .execute(),
    );
    return sums.map(({ key, window_at: windowAt, count }) => ({ key, windowAt, count }));
  }

  async deleteOld(before: number): Promise<void> {
    await this.#database.write((db) => db.deleteFrom('rate_counts').where('window_at', '<', before).execute());
  }
}
