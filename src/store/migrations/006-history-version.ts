/** A number that tells readers of a history whether it is still the one they know. */
import { dialectWords, type Migration } from './migration.ts';

const w = dialectWords;

/** Everything of version 6. */
export const historyVersion: Migration = {
  version: 6,
  name: 'history-version',
  statements: () => [`alter table chats add column history_version ${w.int8} not null default 0`],
};
