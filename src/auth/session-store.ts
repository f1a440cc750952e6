/**
 * `@fastify/session`'s store over ours. Its session id exists only in the cookie: the database has a hash. The columns of
 * the record are the truth; only what has no column (sign-ins under way) is JSON.
 */
import { createHash } from 'node:crypto';
import type { SessionStore } from '@fastify/session';
import type { Session } from 'fastify';
import type { WebSessionRecord } from '../store/records.ts';
import type { WebSessionRepository } from '../store/store.ts';
import { newId } from '../wire/ids.ts';
import type { Clock } from './auth-logger.ts';
import type { RecentChecks } from './recent-checks.ts';

/** One sign-in under way in this browser. What GitHub must echo and what proves it stay here, not in cookies (D3). */
export interface PendingSignIn {
  readonly state: string;
  readonly verifier: string;
  readonly returnTo: string;
  readonly startedAt: number;
}

declare module 'fastify' {
  interface Session {
    /** Set by sign-in: whose session it is. Without it, the session only remembers sign-ins under way. */
    userId?: string;
    /** The id that the API shows. */
    publicId?: string;
    userAgent?: string | null;
    address?: string | null;
    createdAt?: number;
    lastSeenAt?: number;
    /** Absolute end. */
    expiresAt?: number;
    signIns?: PendingSignIn[];
    /** When it was last signed anew after a change of `SESSION_SECRETS`. */
    signedAt?: number;
  }
}

/** How long a browser that never finishes signing in is remembered, and a sign-in may take; milliseconds. */
export const SIGN_IN_MS = 10 * 60_000;

/** Durations in milliseconds. */
export interface SessionLimits {
  readonly idleMs: number;
  readonly maxMs: number;
}

/** SHA-256 of a session id: a copy of the database signs nobody in. */
export function hashSessionId(sessionId: string): string {
  return createHash('sha256').update(sessionId).digest('base64url');
}

/** The store that `@fastify/session` is given. */
export class DatabaseSessionStore implements SessionStore {
  readonly #repository: WebSessionRepository;
  readonly #limits: SessionLimits;
  readonly #recent: RecentChecks;
  readonly #clock: Clock;

  constructor(
    repository: WebSessionRepository,
    { limits, recent, clock }: { limits: SessionLimits; recent: RecentChecks; clock: Clock },
  ) {
    this.#repository = repository;
    this.#limits = limits;
    this.#recent = recent;
    this.#clock = clock;
  }

  get(sessionId: string, done: (error: unknown, session?: Session | null) => void): void {
    this.#repository.find(hashSessionId(sessionId), this.#clock(), this.#limits.idleMs).then(
      (record) => done(null, record === null ? null : sessionOf(record)),
      (error: unknown) => done(error),
    );
  }

  /** A session that ended meanwhile stays ended (D1): the repository refuses, and the next request finds nobody. */
  set(sessionId: string, session: Session, done: (error?: unknown) => void): void {
    this.#repository.save(this.#recordOf(sessionId, session)).then(
      () => done(),
      (error: unknown) => done(error),
    );
  }

  destroy(sessionId: string, done: (error?: unknown) => void): void {
    this.#repository.end(hashSessionId(sessionId), this.#clock()).then(
      () => {
        this.#recent.forget();
        done();
      },
      (error: unknown) => done(error),
    );
  }

  #recordOf(sessionId: string, session: Session): WebSessionRecord {
    const now = this.#clock();
    // Remembered in the session: one request may save it twice.
    session.publicId ??= newId();
    session.createdAt ??= now;
    session.lastSeenAt ??= now;
    session.expiresAt ??= now + (session.userId === undefined ? SIGN_IN_MS : this.#limits.maxMs);
    const { signIns, signedAt } = session;
    return {
      idHash: hashSessionId(sessionId),
      publicId: session.publicId,
      userId: session.userId ?? null,
      data: JSON.stringify({ signIns, signedAt }),
      userAgent: session.userAgent ?? null,
      address: session.address ?? null,
      createdAt: session.createdAt,
      lastSeenAt: session.lastSeenAt,
      expiresAt: session.expiresAt,
    };
  }
}

function sessionOf(record: WebSessionRecord): Session {
  const { publicId, userId, userAgent, address, createdAt, lastSeenAt, expiresAt } = record;
  const data = JSON.parse(record.data) as Pick<Session, 'signIns' | 'signedAt'>;
  const session = { ...data, publicId, userAgent, address, createdAt, lastSeenAt, expiresAt };
  // Without `cookie`, @fastify/session takes the configured one: a change of settings reaches old sessions too.
  return (userId === null ? session : { ...session, userId }) as Session;
}
