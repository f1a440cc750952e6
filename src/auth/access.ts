/** Ends all of a person's access at once: sign-out everywhere, a block, a membership that is gone. */
import { GatewayError } from '../errors.ts';
import type { Principal } from '../principal.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from './auth-logger.ts';
import type { Revocations } from './revocations.ts';

/** What the rest of the gateway does when a person's access ends. */
export interface AccessHooks {
  /** Their runs end with `error`, their warm runtime sessions go. */
  onUserRevoked(userId: string, error: GatewayError): Promise<void>;
  /** Their chats are erased: what runtimes keep of them goes too. */
  onUserErased(userId: string, chatIds: readonly string[]): Promise<void>;
}

/** Collaborators of {@link Access}. */
export interface AccessDeps {
  readonly store: Pick<Store, 'users' | 'webSessions' | 'apiTokens'>;
  readonly revocations: Revocations;
  readonly hooks: AccessHooks;
  readonly clock: Clock;
  readonly idleMs: number;
}

/** The one place that ends access, so that no part of it is forgotten. */
export class Access {
  readonly #deps: AccessDeps;

  constructor(deps: AccessDeps) {
    this.#deps = deps;
  }

  /** Voids every web session and API token of the user, ends open streams and running turns with `error`. */
  async endAll(userId: string, error: GatewayError = signedOut()): Promise<void> {
    const { store, revocations, hooks, clock } = this.#deps;
    const now = clock();
    // First the moment that voids everything, so that a sign-in half-way through cannot slip between.
    await store.users.revokeAll(userId, now);
    await store.webSessions.endAll(userId, now);
    revocations.emit({ userId });
    await hooks.onUserRevoked(userId, error);
  }

  /** Ends one web session by its public id. False: not this user's, or not there. */
  async endSession(userId: string, sessionId: string): Promise<boolean> {
    const ended = await this.#deps.store.webSessions.endOwned(userId, sessionId, this.#deps.clock());
    if (ended) this.#deps.revocations.emit({ userId, sessionId });
    return ended;
  }

  /** Whether a principal could still make a request with what proved it before. */
  async isValid({ userId, proof }: Principal): Promise<boolean> {
    const { store, clock, idleMs } = this.#deps;
    if (proof.kind === 'token') return (await store.apiTokens.findValid(proof.tokenId, clock())) !== null;
    const sessions = await store.webSessions.list(userId, clock(), idleMs);
    return sessions.some((session) => session.publicId === proof.sessionId);
  }
}

function signedOut(): GatewayError {
  return new GatewayError('unauthenticated', 'You signed out everywhere. Sign in again.');
}
