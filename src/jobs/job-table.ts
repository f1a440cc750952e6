/** The table of jobs. A new job is a file and a row here. */
import type { Store } from '../store/store.ts';
import { type AccountWork, accountJobs } from './account-jobs.ts';
import { type ChatRemovalParts, chatRemoval } from './chat-removal.ts';
import { chatRetentionJob } from './chat-retention-job.ts';
import { deletedSessionsJob } from './deleted-sessions-job.ts';
import { expiryJobs } from './expiry-jobs.ts';
import type { Job } from './job.ts';
import { orphanedSessionsJob } from './orphaned-sessions-job.ts';

/** What the jobs work on. Durations in milliseconds. */
export interface JobTableParts extends ChatRemovalParts {
  readonly store: Store;
  readonly accounts: AccountWork;
  readonly sessionIdleMs: number;
  readonly turnEventsKeptMs: number;
  /** 0: chats are kept. */
  readonly chatRetentionMs: number;
}

export function jobTable(parts: JobTableParts): Job[] {
  const { store, runtimes, accounts, chatRetentionMs } = parts;
  return [
    ...expiryJobs(store, parts),
    ...accountJobs(accounts),
    deletedSessionsJob(store, runtimes),
    orphanedSessionsJob(store, runtimes),
    ...(chatRetentionMs > 0 ? [chatRetentionJob(store, chatRemoval(parts), chatRetentionMs)] : []),
  ];
}
