/**
 * The port every feature room stores through. One repository per thing; what must be atomic is one method here, so that no
 * room ever opens a transaction. Two engines implement it with the same code where SQL is the same.
 *
 * All methods throw `GatewayError('store_unavailable')` (503 with Retry-After ≤ 2 s) when the engine cannot answer:
 * connection lost, locked beyond the timeout, disk full. A method that returned is on the disk (SQLite: the log is synced;
 * PostgreSQL `synchronous_commit=on`).
 */

import type { Problem } from '../errors.ts';
import type { Scope } from '../principal.ts';
import type { SessionFileRepository } from '../session-files.ts';
import type { NoticeBoard, NoticeListener } from './notices.ts';
import type { AuditRepository, JobRunRepository, PeopleRepository } from './operations.ts';
import type { RateCountRepository } from './rate-counts.ts';
import type {
  ApiTokenRecord,
  AttachmentRecord,
  ChatRecord,
  CredentialRecord,
  MessageRecord,
  SigningKeyRecord,
  TurnFrame,
  TurnRecord,
  TurnStatus,
  UsageRecord,
  UserRecord,
  WebSessionRecord,
} from './records.ts';

/** A page of a keyset list. `next` is the key of the last item when there are more, else null. */
export interface Page<Item, Key> {
  items: Item[];
  next: Key | null;
}

export type { SessionFileRepository } from '../session-files.ts';

declare const owned: unique symbol;
/** A chat that was read through its owner's id. Routes get it only from `findOwned`. */
export type OwnedChat = ChatRecord & { readonly [owned]: true };
/** A turn that was read through its owner's id. */
export type OwnedTurn = TurnRecord & { readonly [owned]: true };

export interface UserRepository {
  /** Creates or refreshes a person at sign-in; `createdAt`, `blockedAt` and `validAfter` of an existing one stay. */
  upsert(user: {
    id: string;
    login: string;
    name: string | null;
    avatarUrl: string | null;
    now: number;
  }): Promise<UserRecord>;
  find(id: string): Promise<UserRecord | null>;
  /** Voids every web session and API token issued before `now`. */
  revokeAll(id: string, now: number): Promise<void>;
  setBlocked(id: string, blockedAt: number | null): Promise<void>;
  /** Erases the user and everything of theirs by cascade. Returns the ids of the erased chats. */
  erase(id: string): Promise<string[]>;
  /** People with a credential whose membership check is older than `before`, a few at a time. */
  dueForRecheck(before: number, limit: number): Promise<string[]>;
}

export interface CredentialRepository {
  find(userId: string): Promise<CredentialRecord | null>;
  /** At sign-in: replaces whatever is there, clears `rejectedAt`, counts `version` up. */
  put(record: {
    userId: string;
    sealed: string;
    keyId: string;
    expiresAt: number | null;
    now: number;
  }): Promise<CredentialRecord>;
  /** After a refresh or re-encryption: writes only if the stored version is still `version`. False: someone else wrote. */
  replace(record: {
    userId: string;
    version: number;
    sealed: string;
    keyId: string;
    expiresAt: number | null;
    now: number;
  }): Promise<boolean>;
  markRejected(userId: string, version: number, now: number): Promise<void>;
  markChecked(userId: string, now: number): Promise<void>;
  /** @param version deletes only what is still that one. @returns false: nothing was deleted */
  delete(userId: string, version?: number): Promise<boolean>;
  /** Users whose credential is not sealed with `keyId`, a few at a time, by user id after `after`. */
  sealedWithOther(keyId: string, after: string | null, limit: number): Promise<CredentialRecord[]>;
  /**
   * Runs `work` while holding the one right to refresh this user's credential, across instances. SQLite: a queue in the
   * process; PostgreSQL: an advisory lock on a connection of its own, held longer than `work`. Rejects when `signal` aborts.
   */
  withRefreshLock<T>(userId: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

export interface WebSessionRepository {
  /** Never returns an ended or expired (idle or absolute) session. */
  find(idHash: string, now: number, idleMs: number): Promise<WebSessionRecord | null>;
  /** Insert or update. Never revives an ended one (D1): returns false then. */
  save(record: WebSessionRecord): Promise<boolean>;
  touch(idHash: string, now: number): Promise<void>;
  /** Ends it for good: a tombstone stays until it would have expired anyway. */
  end(idHash: string, now: number): Promise<void>;
  /** By public id, only of this user. False: not theirs or not there. */
  endOwned(userId: string, publicId: string, now: number): Promise<boolean>;
  endAll(userId: string, now: number): Promise<number>;
  list(userId: string, now: number, idleMs: number): Promise<WebSessionRecord[]>;
  deleteExpired(now: number, idleMs: number, limit: number): Promise<number>;
}

/** Key of lists by time of creation. */
export interface CreationKey {
  createdAt: number;
  id: string;
}

export interface ApiTokenRepository {
  create(token: {
    id: string;
    userId: string;
    name: string;
    scopes: Scope[];
    expiresAt: number;
    now: number;
  }): Promise<ApiTokenRecord>;
  /** As `create`, unless the person has `most` unexpired ones already: then null. Exact under parallel calls. */
  createWithin(token: Parameters<ApiTokenRepository['create']>[0], most: number): Promise<ApiTokenRecord | null>;
  /**
   * The token and its person, in one indexed read; null when it was revoked or has expired, when the person is blocked or
   * gone, or when it was issued before their `validAfter`.
   */
  findValid(id: string, now: number): Promise<{ token: ApiTokenRecord; login: string } | null>;
  /** Newest first, expired ones included until they are deleted. */
  list(userId: string, options: { after?: CreationKey; limit: number }): Promise<Page<ApiTokenRecord, CreationKey>>;
  /** Notes the use; call it at most once in some minutes per token. */
  touch(id: string, now: number): Promise<void>;
  /** Revokes it for good. False: not theirs or not there. */
  delete(userId: string, id: string): Promise<boolean>;
  deleteExpired(now: number, limit: number): Promise<number>;
}

export interface SigningKeyRepository {
  /** All of them, newest generation first. */
  list(): Promise<SigningKeyRecord[]>;
  /** False: that generation is there already, made by someone else. */
  add(key: SigningKeyRecord): Promise<boolean>;
  /** Drops keys that nothing valid can be signed with any more. */
  deleteRetired(now: number): Promise<void>;
}

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

/** What of the history a turn takes the place of; it is removed with everything after it. */
export type Replacement =
  /** That user message: the turn's own message stands instead. */
  | { readonly kind: 'edit'; readonly messageId: string }
  /** That answer, or whatever follows the last question (null): the question stays and is asked again. */
  | { readonly kind: 'regenerate'; readonly messageId: string | null };

/** A user message that asks for a turn. */
export interface NewTurn {
  turnId: string;
  messageId: string;
  userId: string;
  chatId: string;
  content: string;
  attachments: AttachmentRecord[];
  /** Resolved model, already checked against the user's list; null: the runtime's first. */
  model: string | null;
  delivery: 'reject' | 'queue' | 'steer';
  background: boolean;
  idempotency: { key: string; bodyHash: string } | null;
  /** Instance that starts it at once when it can start; null: leave it queued for a worker. */
  owner: string | null;
  /** Absent: the message comes after everything. With `regenerate`, `messageId`, `content` and `attachments` are not looked at. */
  replaces?: Replacement;
  now: number;
  limits: { turnsPerUser: number; queuePerChat: number };
}

/** What became of a {@link NewTurn}. Everything but `accepted`, `steered` and `replayed` has written nothing. */
export type AcceptOutcome =
  /** `turn.status` is `running` (owned by `owner`) or `queued`. */
  | { kind: 'accepted'; turn: OwnedTurn; message: MessageRecord }
  /** Joined the running turn: `message` is saved in it, its answer's place moved behind it. */
  | { kind: 'steered'; turn: OwnedTurn; message: MessageRecord }
  | { kind: 'replayed'; turn: OwnedTurn }
  | { kind: 'idempotency_mismatch' }
  | { kind: 'turn_running'; turnId: string }
  | { kind: 'queue_full' }
  | { kind: 'too_many_turns' }
  /** What it replaces is not in the chat, or is not of that kind. */
  | { kind: 'message_gone' }
  | { kind: 'chat_gone' };

/** How a turn ended, written with its last frames, its answer and the chat's activity in one transaction. */
export interface TurnEnd {
  turnId: string;
  fence: number;
  status: Exclude<TurnStatus, 'queued' | 'running'>;
  error: Problem | null;
  model: string | null;
  /** The answer, whole or partial; null: nothing was said. */
  message: {
    id: string;
    content: string;
    model: string | null;
    status: 'complete' | 'partial';
    createdAt: number;
  } | null;
  /** Frames not yet stored, the terminal one last. */
  frames: TurnFrame[];
  usage: UsageRecord[];
  /** True when the runtime session's context no longer equals our history. */
  contextLost: boolean;
  /**
   * Place of the last message of the turn that was answered: where a later one has joined, nothing is written, so that it
   * is not lost between two instances. Absent: the turn ends whoever joined.
   */
  joinedSeq?: number;
  now: number;
}

/** How a turn stands that an instance believes to run. */
export interface TurnStanding {
  id: string;
  fence: number;
  cancelRequestedAt: number | null;
  /** One behind the last message that joined. */
  answerSeq: number;
}

/** A background turn that waits for somebody to run it. */
export interface WaitingTurn {
  id: string;
  chatId: string;
  userId: string;
}

export interface TurnRepository {
  /** Saves the user message and the turn in one transaction (or says why not). One running turn per chat is a unique index. */
  accept(turn: NewTurn): Promise<AcceptOutcome>;
  findOwned(userId: string, turnId: string): Promise<OwnedTurn | null>;
  /** What the user's Idempotency-Key was used for, if it was. */
  findByIdempotencyKey(userId: string, key: string): Promise<{ turnId: string; bodyHash: string } | null>;
  /** Makes the oldest queued turn of the chat running for `owner`, unless one runs. Null: nothing to do. */
  claimNext(chatId: string, owner: string, now: number): Promise<OwnedTurn | null>;
  /** Chats that have a queued turn (`foreground`: one that is not a background turn) and none running, oldest first. */
  chatsWithWork(limit: number, kind?: 'any' | 'foreground'): Promise<string[]>;
  /** Background turns accepted before `before` that could run and do not, oldest first. */
  waitingInBackground(before: number, limit: number): Promise<WaitingTurn[]>;
  /** Appends frames (ids contiguous after what is stored) and signs life. False: fenced off, stop at once. */
  appendFrames(turnId: string, fence: number, frames: TurnFrame[], now: number): Promise<boolean>;
  /** Stored frames with id > `after`, in order, at most about `limitBytes` of data (at least one if there is one). */
  frames(turnId: string, after: number, limitBytes: number): Promise<TurnFrame[]>;
  /** False: fenced off, already ended, or a message joined that it does not know; nothing was written. */
  end(end: TurnEnd): Promise<boolean>;
  /** Ends a queued turn as cancelled, or notes the request on a running one. Null: not this user's. Idempotent. */
  requestCancel(userId: string, turnId: string, now: number): Promise<OwnedTurn | null>;
  /** User messages that joined the running turn after place `afterSeq`, in order. */
  steered(turnId: string, afterSeq: number): Promise<MessageRecord[]>;
  /** Signs life for all turns this instance runs; returns those with a cancel request. */
  heartbeat(
    owner: string,
    turnIds: string[],
    now: number,
  ): Promise<{ id: string; fence: number; cancelRequestedAt: number | null }[]>;
  /** Those of the turns that run. */
  standing(turnIds: readonly string[]): Promise<TurnStanding[]>;
  /** Running turns whose owner gave no sign of life since `before` (or that `owner` left behind). */
  abandoned(before: number, owner: string | null, limit: number): Promise<TurnRecord[]>;
  /** Queued and running turns of a chat, oldest first. */
  active(chatId: string): Promise<OwnedTurn[]>;
  /** Queued and running turns of one user (sign-out everywhere, block, erase), oldest first. */
  activeOfUser(userId: string): Promise<OwnedTurn[]>;
  /** Frames of turns that ended before `before`, in small steps. Returns how many turns were cleaned. */
  deleteFrames(before: number, limit: number): Promise<number>;
  deleteIdempotencyKeys(before: number, limit: number): Promise<number>;
}

/** What one model cost a user in a span of time. */
export interface UsageTotal {
  model: string | null;
  requests: number;
  inputTokens: number;
  outputTokens: number;
  cachedTokens: number;
  cost: number;
}

/** What a person's usage can be summed up by. Days are those of UTC. */
export type UsageGrouping = 'day' | 'model' | 'chat';

/** The sum of some model calls. */
export interface UsageSum {
  /** Model calls. */
  requests: number;
  /** Turns of chats they belonged to; calls of the OpenAI-compatible API belong to none. */
  turns: number;
  inputTokens: number;
  outputTokens: number;
  cachedTokens: number;
  cost: number;
}

/** One group: a day (days since the epoch, in decimal), a model, a chat's id; null: calls that have none. */
export interface UsageGroup extends UsageSum {
  key: string | null;
}

export interface UsageRepository {
  /** Adds model calls that no turn ends with. */
  add(records: readonly UsageRecord[]): Promise<void>;
  /** Sums over `[from, to)`; at most `limit` groups: the latest days, otherwise those with most requests. */
  grouped(
    userId: string,
    options: { from: number; to: number; by: UsageGrouping; limit: number },
  ): Promise<UsageGroup[]>;
  /** The sum over `[from, to)`. */
  sum(userId: string, options: { from: number; to: number }): Promise<UsageSum>;
  /** Model calls in `[from, to)`, newest first, after the key `after`; at most `limit` (1,000 unless told). */
  ofUser(
    userId: string,
    options: { from: number; to: number; after?: CreationKey; limit?: number },
  ): Promise<UsageRecord[]>;
  /** Sums over `[from, to)` by model, however many calls there were. */
  totals(userId: string, options: { from: number; to: number }): Promise<UsageTotal[]>;
}

/** Everything stored. Opened by `openStore`; whoever opened it closes it. */
export interface Store {
  readonly engine: 'sqlite' | 'postgres';
  readonly users: UserRepository;
  readonly credentials: CredentialRepository;
  readonly webSessions: WebSessionRepository;
  readonly apiTokens: ApiTokenRepository;
  readonly signingKeys: SigningKeyRepository;
  readonly chats: ChatRepository;
  readonly branches: BranchRepository;
  readonly search: SearchRepository;
  readonly messages: MessageRepository;
  readonly turns: TurnRepository;
  readonly sessionFiles: SessionFileRepository;
  readonly usage: UsageRepository;
  readonly jobRuns: JobRunRepository;
  readonly audit: AuditRepository;
  readonly people: PeopleRepository;
  /** Null: one process alone counts for itself. */
  readonly rateCounts: RateCountRepository | null;
  /** What instances tell each other, from now until it is closed; null: there is only one. */
  openNotices(listener: NoticeListener): NoticeBoard | null;
  /** The engine's clock, in ms since the epoch: the one clock that all instances have in common. */
  time(): Promise<number>;
  /**
   * Resolves when everything that was committed before is on the disk: for what comes after `turns.accept`, the one method
   * that does not wait for it.
   * @throws GatewayError `store_unavailable`: the disk failed, and what was committed last may be lost
   */
  durable(): Promise<void>;
  /** Aborts when the disk failed and nobody knows what it has: nothing more is written, and only a new process goes on. */
  readonly failed: AbortSignal;
  /** Proves that a write commits within the deadline. */
  ping(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
