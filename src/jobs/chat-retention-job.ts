import type { Store } from '../store/store.ts';
import type { ChatRemoval } from './chat-removal.ts';
import type { Job } from './job.ts';
import { inSmallSteps } from './small-steps.ts';

/** Removing a chat asks a runtime: few at a time. */
const STEP = 20;

/** Chats without activity for `retentionMs` are deleted everywhere, as if their owner had done it. */
export function chatRetentionJob(store: Store, remove: ChatRemoval, retentionMs: number): Job {
  return {
    name: 'chat-retention',
    everyMs: 3_600_000,
    run: async ({ now, signal }) => ({
      deleted: await inSmallSteps(
        signal,
        async (limit) => {
          const expired = await store.chats.expired(now - retentionMs, limit);
          for (const chat of expired) {
            signal.throwIfAborted();
            await remove(chat, signal);
          }
          return expired.length;
        },
        STEP,
      ),
    }),
  };
}
