/** Turns, from the message that asks for one to its end. */
import type { Problem } from '../../errors.ts';
import type { AttachmentRecord, MessageRecord, TurnFrame, TurnRecord, TurnStatus, UsageRecord } from '../records.ts';
import type { OwnedTurn } from './owned.ts';

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
