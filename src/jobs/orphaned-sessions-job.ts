import type { Runtimes } from '../runtimes/runtime-port.ts';
import type { Store } from '../store/store.ts';
import { ownerOf } from './deleted-sessions-job.ts';
import type { Job } from './job.ts';

/** Looked at in one run. */
const AT_MOST = 200;

/**
 * Files of runtime sessions whose chat is gone: a runtime wrote them after the chat was deleted, or a server was away then.
 * One goes only when it was an orphan at the run before too: a session may be on its way to a chat, or have none by intent
 * and end with its one call, and an hour is longer than any turn.
 */
export function orphanedSessionsJob(store: Store, runtimes: Runtimes): Job {
  let before = new Set<string>();
  return {
    name: 'orphaned-runtime-sessions',
    everyMs: 3_600_000,
    run: async ({ signal }) => {
      const orphans = await store.sessionFiles.orphans(AT_MOST);
      const lasting = orphans.filter((session) => before.has(session));
      before = new Set(orphans);
      for (const session of lasting) {
        signal.throwIfAborted();
        await runtimes.deleteSession({ userId: ownerOf(session) }, session, signal);
        before.delete(session);
      }
      return { found: orphans.length, deleted: lasting.length };
    },
  };
}
