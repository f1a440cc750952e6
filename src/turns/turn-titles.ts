/** Titles a chat gets by itself: the first words at once, the runtime's own when it is more than the prompt again. */
import type { Logger } from 'pino';
import type { Store } from '../store/store.ts';
import { firstWords, isRealTitle } from './chat-title.ts';
import type { LiveTurn } from './live-turn.ts';
import { chatView } from './turn-shapes.ts';
import type { TurnSubject } from './turn-subject.ts';
import type { UserEvents } from './user-events.ts';

/** What titles need. */
export interface TitleDependencies {
  readonly store: Store;
  readonly userEvents: UserEvents;
  readonly logger: Logger;
  readonly clock: () => number;
}

/** Titles of one turn's chat. They never hold up the answer; the end of the turn waits for {@link settled}. */
export class TurnTitles {
  readonly #live: LiveTurn;
  readonly #subject: TurnSubject;
  readonly #deps: TitleDependencies;
  #writing: Promise<void> = Promise.resolve();

  constructor(live: LiveTurn, subject: TurnSubject, deps: TitleDependencies) {
    this.#live = live;
    this.#subject = subject;
    this.#deps = deps;
  }

  fromFirstWords(): void {
    if (this.#subject.chat.titleSource !== 'none') return;
    const title = firstWords(this.#subject.message.content);
    if (title !== '') this.#set(title);
  }

  fromRuntime(title: string): void {
    if (this.#subject.chat.titleSource === 'user' || !isRealTitle(title, this.#subject.message.content)) return;
    this.#set(title);
  }

  /** Resolves when no title is being written any more. */
  settled(): Promise<void> {
    return this.#writing;
  }

  #set(title: string): void {
    this.#writing = this.#writing
      .then(() => this.#write(title))
      .catch((error: unknown) => {
        // A title is not worth a turn.
        this.#deps.logger.warn({ err: error, turnId: this.#live.turn.id }, 'the title could not be stored');
      });
  }

  async #write(title: string): Promise<void> {
    const { store, userEvents, clock } = this.#deps;
    const { id, userId } = this.#subject.chat;
    if (!(await store.chats.setAutoTitle(id, title, clock()))) return;
    this.#live.emit({ event: 'chat.updated', data: { title } }, clock());
    const chat = await store.chats.findOwned(userId, id);
    if (chat !== null) userEvents.publish(userId, { event: 'chat.updated', data: { chat: chatView(chat) } });
  }
}
