/** The table of migrations, in order. A new step is a new file and a new row here. */
import { initial } from './001-initial.ts';
import { programs } from './002-programs.ts';
import { operations } from './003-operations.ts';
import { cluster } from './004-cluster.ts';
import { deletedSessions } from './005-deleted-sessions.ts';
import { historyVersion } from './006-history-version.ts';
import type { Migration } from './migration.ts';

/** Every step this binary knows. */
export const MIGRATIONS: readonly Migration[] = [
  initial,
  programs,
  operations,
  cluster,
  deletedSessions,
  historyVersion,
];
