import { GatewayError } from '../errors.ts';
import type { Runtimes } from '../runtimes/runtime-port.ts';
import type { Store } from '../store/store.ts';
import type { Job } from './job.ts';

/** Looked at in one step. */
const STEP = 200;

/**
 * Runtime sessions of deleted chats that a server may still have, because it was away when the chat went. Asked for again
 * until every configured server has said that they are gone. Only sessions of our own chats are ever noted.
 */
export function deletedSessionsJob(store: Store, runtimes: Runtimes): Job {
  return {
    name: 'deleted-runtime-sessions',
    everyMs: 5 * 60_000,
    run: async ({ signal }) => {
      let [after, deleted, left]: [string | null, number, number] = [null, 0, 0];
      for (;;) {
        const sessions: string[] = await store.sessionFiles.unconfirmedDeletions(STEP, after);
        for (const session of sessions) {
          signal.throwIfAborted();
          // One server that is away keeps none from being forgotten by the others; each failure is noted where it happens.
          if (await isForgotten(runtimes, session, signal)) deleted += 1;
          else left += 1;
        }
        after = sessions.at(-1) ?? null;
        if (sessions.length < STEP) return { deleted, left };
      }
    },
  };
}

async function isForgotten(runtimes: Runtimes, session: string, signal: AbortSignal): Promise<boolean> {
  try {
    await runtimes.deleteSession({ userId: ownerOf(session) }, session, signal);
    return true;
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'runtime_unavailable') return false;
    throw error;
  }
}

/** Of `user-<userId>-<chatId>`; any other name belongs to nobody. */
export function ownerOf(session: string): string {
  return /^user-(\d+)-/.exec(session)?.[1] ?? '';
}
