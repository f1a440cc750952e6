/** What instances need that share a database. SQLite has one process, which counts in its memory. */
import { dialectWords, type Migration } from './migration.ts';

const w = dialectWords;

/** Everything of version 4. */
export const cluster: Migration = {
  version: 4,
  name: 'cluster',
  statements: (engine) =>
    engine === 'sqlite'
      ? []
      : [
          // Unlogged: counts of the last minute are worth no disk, and a crash of the server may forget them.
          `create unlogged table rate_counts (
            key ${w.key} not null, window_at ${w.int8} not null, count ${w.int8} not null,
            primary key (key, window_at)
          )`,
          'create index rate_counts_by_age on rate_counts (window_at)',
        ],
};
