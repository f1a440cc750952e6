/** Deleting a chat everywhere: its turns, its rows, its runtime session, and from the lists that are open. */
import type { Runtimes } from '../runtimes/runtime-port.ts';
import type { Store } from '../store/store.ts';
import { runtimeSessionId } from '../turns/turn-runner.ts';
import type { UserEvents } from '../turns/user-events.ts';

/** Removes one chat. What of it cannot be reached now is left to the job for orphans. */
export type ChatRemoval = (chat: { id: string; userId: string }, signal: AbortSignal) => Promise<void>;

export interface ChatRemovalParts {
  readonly store: Store;
  readonly runtimes: Runtimes;
  readonly engine: { stopChat(chatId: string): Promise<void> };
  readonly userEvents: UserEvents;
  readonly logger: { warn(details: object, message: string): void };
}

export function chatRemoval({ store, runtimes, engine, userEvents, logger }: ChatRemovalParts): ChatRemoval {
  return async ({ id, userId }, signal) => {
    await engine.stopChat(id);
    if (await store.chats.delete(userId, id)) userEvents.publish(userId, { event: 'chat.deleted', data: { id } });
    try {
      await runtimes.deleteSession({ userId }, runtimeSessionId(userId, id), signal);
    } catch (error) {
      signal.throwIfAborted();
      logger.warn({ err: error, chatId: id }, 'the runtime session of an expired chat is left to the clean-up');
    }
  };
}
