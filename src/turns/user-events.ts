/**
 * What changed for a user, for his other tabs and devices. Not a log: a listener that comes late or falls behind reads the
 * lists again, so nothing is kept and a stream that cannot keep up is ended.
 */
import type { ChatView, TurnView } from './turn-shapes.ts';

/** Every event of `GET /api/events`, with its data. */
export interface UserEventData {
  'chat.created': { chat: ChatView };
  'chat.updated': { chat: ChatView };
  'chat.deleted': { id: string };
  'turn.queued': { turn: TurnView };
  'turn.started': { turn: TurnView };
  'turn.ended': { turn: TurnView };
}

export type UserEvent = {
  [Name in keyof UserEventData]: { event: Name; data: UserEventData[Name] };
}[keyof UserEventData];

/** How far behind one listener may be before its stream is ended. */
const BACKLOG = 500;

interface Listener {
  queue: UserEvent[];
  overflowed: boolean;
  wake: () => void;
}

export class UserEvents {
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #tellOthers: (userId: string, event: UserEvent) => void;

  /** @param tellOthers lets other instances know of what happened on this one */
  constructor(tellOthers: (userId: string, event: UserEvent) => void = () => undefined) {
    this.#tellOthers = tellOthers;
  }

  /** It happened here. */
  publish(userId: string, event: UserEvent): void {
    this.deliver(userId, event);
    this.#tellOthers(userId, event);
  }

  /** Somebody listens here for what changes for the user. */
  hasListener(userId: string): boolean {
    return this.#listeners.has(userId);
  }

  /** Ends the streams of a user (absent: of all), because something may be missing in them. */
  endStreams(userId?: string): void {
    const affected = userId === undefined ? [...this.#listeners.values()] : [this.#listeners.get(userId) ?? []];
    for (const listener of affected.flatMap((listeners) => [...listeners])) {
      listener.overflowed = true;
      listener.wake();
    }
  }

  /** For those who listen here, wherever it happened. */
  deliver(userId: string, event: UserEvent): void {
    for (const listener of this.#listeners.get(userId) ?? []) {
      if (listener.queue.length >= BACKLOG) listener.overflowed = true;
      else listener.queue.push(event);
      listener.wake();
    }
  }

  /** Changes from now on, until `signal` aborts or the reader falls too far behind. */
  async *follow(userId: string, signal: AbortSignal): AsyncGenerator<UserEvent> {
    const listener: Listener = { queue: [], overflowed: false, wake: () => undefined };
    const listeners = this.#listeners.get(userId) ?? new Set();
    this.#listeners.set(userId, listeners.add(listener));
    const onAbort = () => listener.wake();
    signal.addEventListener('abort', onAbort);
    try {
      while (!signal.aborted && !listener.overflowed) {
        const event = listener.queue.shift();
        if (event !== undefined) yield event;
        else await new Promise<void>((resolve) => (listener.wake = resolve));
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(userId);
    }
  }
}
