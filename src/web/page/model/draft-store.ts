/**
 * What a person has typed and not sent, per user and chat, in the browser's own storage: it outlives a reload and the end of
 * a session. A message on its way is kept as well, with its Idempotency-Key, until the gateway has it.
 */

/** The part of `Storage` that is used. */
export type DraftStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem' | 'key' | 'length'>;

export interface Draft {
  readonly text: string;
  /** The key it was sent with before, if it was sent and not taken: sent again unchanged, it is the same message. */
  readonly key: string | null;
}

/** Stands for the chat that does not exist yet. */
export const NEW_CHAT = 'new';

const PREFIX = 'pilothouse:draft:';
const EMPTY: Draft = { text: '', key: null };

export class DraftStore {
  readonly #storage: DraftStorage;
  readonly #prefix: string;

  constructor(storage: DraftStorage, userId: string) {
    this.#storage = storage;
    this.#prefix = `${PREFIX}${userId}:`;
  }

  get(chatId: string): Draft {
    const stored = this.#storage.getItem(this.#prefix + chatId);
    if (stored === null) return EMPTY;
    try {
      const value: unknown = JSON.parse(stored);
      if (typeof value !== 'object' || value === null) return EMPTY;
      const { text, key } = value as Record<string, unknown>;
      return typeof text === 'string' ? { text, key: typeof key === 'string' ? key : null } : EMPTY;
    } catch {
      return EMPTY; // Somebody else wrote there: as good as nothing.
    }
  }

  set(chatId: string, draft: Draft): void {
    if (draft.text === '') {
      this.clear(chatId);
      return;
    }
    try {
      this.#storage.setItem(this.#prefix + chatId, JSON.stringify(draft));
    } catch {
      // Full or forbidden: the text is still in the box, only a reload would lose it.
    }
  }

  clear(chatId: string): void {
    this.#storage.removeItem(this.#prefix + chatId);
  }

  /** For signing out: the next person at this machine must not find them. */
  clearAll(): void {
    const keys = Array.from({ length: this.#storage.length }, (_, index) => this.#storage.key(index));
    for (const key of keys) if (key?.startsWith(this.#prefix)) this.#storage.removeItem(key);
  }
}
