/** Chats and what was said in them. */
import type { MessageRecord } from '../records.ts';
import type { OwnedChat } from './owned.ts';
import type { Page } from './pages.ts';

/** Key of the chat list: newest activity first. */
export interface ChatKey {
  updatedAt: number;
  id: string;
}

export interface ChatChanges {
  title?: string;
  model?: string | null;
  pinned?: boolean;
  archived?: boolean;
}

export interface ChatRepository {
  create(chat: {
    id: string;
    userId: string;
    sessionId: string | null;
    title: string | null;
    model: string | null;
    systemPrompt: string | null;
    now: number;
  }): Promise<OwnedChat>;
  /** The caller's own name, private to the user: finds it or creates it; concurrent calls get the same chat. */
  findOrCreateBySessionId(
    userId: string,
    sessionId: string,
    fresh: { id: string; model: string | null; now: number },
  ): Promise<{ chat: OwnedChat; created: boolean }>;
  findBySessionId(userId: string, sessionId: string): Promise<OwnedChat | null>;
  findOwned(userId: string, chatId: string): Promise<OwnedChat | null>;
  /** Newest activity first; `q` searches titles and messages (all words, prefix of the last, accents and case folded). */
  list(
    userId: string,
    options: { q?: string; after?: ChatKey; limit: number; archived?: boolean; pinned?: boolean },
  ): Promise<Page<OwnedChat, ChatKey>>;
  /** A title given here has source `user`. Null: no such chat of this user. */
  update(userId: string, chatId: string, changes: ChatChanges, now: number): Promise<OwnedChat | null>;
  /** Sets an automatic title unless a person has set one. True: it changed. */
  setAutoTitle(chatId: string, title: string, now: number): Promise<boolean>;
  bumpContextVersion(chatId: string): Promise<void>;
  /** Removes the chat with everything that hangs on it: messages, turns, events, runtime session files. False: not there. */
  delete(userId: string, chatId: string): Promise<boolean>;
  /** As `delete`, only if it has no message and no turn. Exact while messages are taken: one of the two comes too late. */
  deleteUnused(userId: string, chatId: string): Promise<boolean>;
  /** Chats of anyone whose last activity is before `before`, a few at a time. Pinned ones too: retention is the operator's word. */
  expired(before: number, limit: number): Promise<{ id: string; userId: string }[]>;
}

/** A title or message that has a word that was asked for. */
export interface SearchHit {
  readonly chat: OwnedChat;
  /** Null: the chat's title. Without its images. */
  readonly message: MessageRecord | null;
}

export interface SearchRepository {
  /**
   * Texts with a word of `q`, in chats that `ChatRepository.list` finds for it, newest first. `after.updatedAt` is the time
   * of the last text; a page may be shorter than `limit` though there is more.
   */
  texts(userId: string, options: { q: string; after?: ChatKey; limit: number }): Promise<Page<SearchHit, ChatKey>>;
}

export interface MessageRepository {
  /** By place; `after` is a `seq`. */
  list(
    chatId: string,
    options: { order: 'asc' | 'desc'; after?: number; limit: number },
  ): Promise<Page<MessageRecord, number>>;
  find(chatId: string, messageId: string): Promise<MessageRecord | null>;
  /** The last thing the user said before place `beforeSeq` (exclusive). */
  lastQuestion(chatId: string, beforeSeq: number): Promise<MessageRecord | null>;
  /**
   * What was said before (exclusive) `beforeSeq`, oldest first, for rebuilding a runtime session: the newest `limit` of
   * it (1,000 unless told; no model's context holds more).
   */
  context(chatId: string, beforeSeq: number, limit?: number): Promise<MessageRecord[]>;
}

/** A new chat that begins with the history of another one. */
export interface Fork {
  readonly userId: string;
  /** The chat to copy from. */
  readonly chatId: string;
  /** The last message to copy; null: all of them. */
  readonly messageId: string | null;
  /** Of the new chat. */
  readonly id: string;
  /** Null: the other one's. */
  readonly title: string | null;
  readonly now: number;
  /** How much may be copied at once; `text` and `images` in characters as stored. */
  readonly limits: { readonly messages: number; readonly text: number; readonly images: number };
}

/** What became of a {@link Fork}. Everything but `forked` has written nothing. */
export type ForkOutcome =
  | { kind: 'forked'; chat: OwnedChat }
  | { kind: 'chat_gone' }
  | { kind: 'message_gone' }
  | { kind: 'too_long' };

/** A chat from elsewhere, checked and complete, under ids of its own. */
export interface ImportedChat {
  readonly id: string;
  readonly userId: string;
  readonly title: string | null;
  readonly model: string | null;
  readonly systemPrompt: string | null;
  readonly createdAt: number;
  readonly now: number;
  /** In their order. No turn is stored for them. */
  readonly messages: readonly Omit<MessageRecord, 'chatId' | 'seq'>[];
}

export interface BranchRepository {
  /** Copies the history into a new chat in one transaction. */
  fork(fork: Fork): Promise<ForkOutcome>;
  import(chat: ImportedChat): Promise<OwnedChat>;
}
