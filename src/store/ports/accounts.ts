/** People and what proves who they are. */
import type { Scope } from '../../principal.ts';
import type { ApiTokenRecord, CredentialRecord, SigningKeyRecord, UserRecord, WebSessionRecord } from '../records.ts';
import type { CreationKey, Page } from './pages.ts';

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
