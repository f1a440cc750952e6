/** What runtimes of others may still keep of chats that are gone here. */
import { dialectWords, type Migration } from './migration.ts';

const w = dialectWords;

/** Everything of version 5. */
export const deletedSessions: Migration = {
  version: 5,
  name: 'deleted-sessions',
  // No foreign key: it is written when the chat goes.
  statements: () => [`create table deleted_sessions (session ${w.key} primary key not null) ${w.clustered}`],
};
