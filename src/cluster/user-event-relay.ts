/**
 * What changed for a user on another instance, for his tabs here: the notice has only an id, the row is read from the store.
 * Events of one user keep their order; where nobody listens nothing is read.
 */
import type { Store } from '../store/store.ts';
import { chatView, turnView } from '../turns/turn-shapes.ts';
import type { UserEvent, UserEvents } from '../turns/user-events.ts';
import type { ClusterNotice } from './cluster-notice.ts';

/** What relaying needs. */
export interface UserEventRelayParts {
  readonly store: Store;
  readonly userEvents: UserEvents;
  readonly logger: { warn(details: object, message: string): void };
}

type EventNotice = Extract<ClusterNotice, { kind: 'event' }>;

export class UserEventRelay {
  readonly #parts: UserEventRelayParts;
  /** Per user, the event being read; the next one waits for it. */
  readonly #reading = new Map<string, Promise<void>>();

  constructor(parts: UserEventRelayParts) {
    this.#parts = parts;
  }

  /** Never throws. */
  heard(notice: EventNotice): void {
    const { userId } = notice;
    if (!this.#parts.userEvents.hasListener(userId)) return;
    const before = this.#reading.get(userId) ?? Promise.resolve();
    const now = before
      .then(() => this.#relay(notice))
      .finally(() => {
        if (this.#reading.get(userId) === now) this.#reading.delete(userId);
      });
    this.#reading.set(userId, now);
  }

  /** Notices were lost: the streams end, and whoever comes back reads the lists again. */
  missed(): void {
    this.#parts.userEvents.endStreams();
  }

  async #relay(notice: EventNotice): Promise<void> {
    const { store, userEvents, logger } = this.#parts;
    try {
      const event = await read(store, notice);
      if (event !== null) userEvents.deliver(notice.userId, event);
    } catch (error) {
      logger.warn({ err: error }, 'a change that another instance made could not be read');
      userEvents.endStreams(notice.userId);
    }
  }
}

/** As it is now; null: it is gone again. */
async function read(store: Store, { event, userId, id }: EventNotice): Promise<UserEvent | null> {
  switch (event) {
    case 'chat.deleted':
      return { event, data: { id } };
    case 'chat.created':
    case 'chat.updated': {
      const chat = await store.chats.findOwned(userId, id);
      return chat === null ? null : { event, data: { chat: chatView(chat) } };
    }
    case 'turn.queued':
    case 'turn.started':
    case 'turn.ended': {
      const turn = await store.turns.findOwned(userId, id);
      return turn === null ? null : { event, data: { turn: turnView(turn) } };
    }
  }
}
