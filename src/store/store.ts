/**
 * The port every feature room stores through. One repository per thing; what must be atomic is one method here, so that no
 * room ever opens a transaction. Two engines implement it with the same code where SQL is the same.
 *
 * All methods throw `GatewayError('store_unavailable')` (503 with Retry-After ≤ 2 s) when the engine cannot answer:
 * connection lost, locked beyond the timeout, disk full. A method that returned is on the disk (SQLite: the log is synced;
 * PostgreSQL `synchronous_commit=on`).
 */
import type { SessionFileRepository } from '../session-files.ts';
import type { NoticeBoard, NoticeListener } from './notices.ts';
import type { AuditRepository, JobRunRepository, PeopleRepository } from './operations.ts';
import type {
  ApiTokenRepository,
  CredentialRepository,
  SigningKeyRepository,
  UserRepository,
  WebSessionRepository,
} from './ports/accounts.ts';
import type { BranchRepository, ChatRepository, MessageRepository, SearchRepository } from './ports/chats.ts';
import type { TurnRepository } from './ports/turns.ts';
import type { UsageRepository } from './ports/usage.ts';
import type { RateCountRepository } from './rate-counts.ts';

export type { SessionFileRepository } from '../session-files.ts';
export type {
  ApiTokenRepository,
  CredentialRepository,
  SigningKeyRepository,
  UserRepository,
  WebSessionRepository,
} from './ports/accounts.ts';
export type {
  BranchRepository,
  ChatChanges,
  ChatKey,
  ChatRepository,
  Fork,
  ForkOutcome,
  ImportedChat,
  MessageRepository,
  SearchHit,
  SearchRepository,
} from './ports/chats.ts';
export type { OwnedChat, OwnedTurn } from './ports/owned.ts';
export type { CreationKey, Page } from './ports/pages.ts';
export type {
  AcceptOutcome,
  NewTurn,
  Replacement,
  TurnEnd,
  TurnRepository,
  TurnStanding,
  WaitingTurn,
} from './ports/turns.ts';
export type { UsageGroup, UsageGrouping, UsageRepository, UsageSum, UsageTotal } from './ports/usage.ts';

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
