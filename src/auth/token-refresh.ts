/**
 * Renews GitHub Apps' expiring tokens. Refresh tokens are single-use: two refreshes at once would lose one of them, and
 * the person would be signed out. So there is one for all who ask, in this process and across instances.
 */
import { GatewayError } from '../errors.ts';
import type { CredentialRecord } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import type { AuthLogger, Clock } from './auth-logger.ts';
import type { CredentialVault, GitHubTokens } from './credential-vault.ts';
import type { GitHubClient } from './github-client.ts';

/** A token with less than this left (milliseconds) is renewed before use: a turn may run for minutes. */
const SKEW_MS = 5 * 60_000;
/** For waiting for the lock and for GitHub, together. */
const DEADLINE_MS = 20_000;
/** GitHub's words for "this refresh token is dead". Any other failure says nothing about the person. */
const DEAD = new Set(['bad_refresh_token', 'invalid_grant']);

/** Whether a token that ends at `expiresAt` has to be renewed before it is used. Pure. */
export function dueForRefresh(expiresAt: number | null, now: number): boolean {
  return expiresAt !== null && expiresAt - now < SKEW_MS;
}

/** A GitHub token that is good now, with the version of the stored credential it comes from. */
export interface LiveToken {
  readonly token: string;
  readonly version: number;
}

/** Collaborators of {@link TokenRefresh}. */
export interface TokenRefreshDeps {
  readonly store: Pick<Store, 'credentials'>;
  readonly vault: CredentialVault;
  readonly github: GitHubClient;
  readonly logger: AuthLogger;
  readonly clock: Clock;
  readonly open: (record: CredentialRecord) => Promise<GitHubTokens>;
}

/** One refresh per person at a time. */
export class TokenRefresh {
  readonly #deps: TokenRefreshDeps;
  readonly #running = new Map<string, Promise<LiveToken>>();
  /** Tokens GitHub gave that the store could not take: the old ones are dead, so these must not be lost. */
  readonly #unsaved = new Map<string, { readonly version: number; readonly tokens: GitHubTokens }>();
  readonly #closing = new AbortController();

  constructor(deps: TokenRefreshDeps) {
    this.#deps = deps;
  }

  /**
   * A renewed token in place of `record`'s, or the old one while it is still good and GitHub cannot be reached.
   * @throws GatewayError `reauth_required`, `github_unavailable`, `store_unavailable`; or `signal`'s reason
   */
  async renew({ userId }: CredentialRecord, signal: AbortSignal): Promise<LiveToken> {
    let running = this.#running.get(userId);
    if (running === undefined) {
      // Not bound to the signal of whoever came first: the others wait for the same one.
      running = this.#renewLocked(userId).finally(() => this.#running.delete(userId));
      // Everybody who waits may have gone by the time it fails.
      running.catch(() => undefined);
      this.#running.set(userId, running);
    }
    return await orAborted(running, signal);
  }

  /** Ends what is under way and waits for it. */
  async close(): Promise<void> {
    this.#closing.abort(new GatewayError('shutting_down', 'The gateway is shutting down.'));
    await Promise.allSettled(this.#running.values());
  }

  async #renewLocked(userId: string): Promise<LiveToken> {
    const { store, clock } = this.#deps;
    const deadline = AbortSignal.timeout(DEADLINE_MS);
    const signal = AbortSignal.any([this.#closing.signal, deadline]);
    const work = store.credentials.withRefreshLock(userId, signal, async () => {
      // Another instance may have renewed it while this one waited.
      const record = await store.credentials.find(userId);
      if (record === null || record.rejectedAt !== null) throw signInAgain();
      const tokens = await this.#deps.open(record);
      if (!dueForRefresh(record.expiresAt, clock())) return { token: tokens.accessToken, version: record.version };
      return await this.#renewRecord(record, tokens, signal);
    });
    return await work.catch((error: unknown): never => {
      throw deadline.aborted && !(error instanceof GatewayError) ? notRenewed(error) : error;
    });
  }

  async #renewRecord(record: CredentialRecord, tokens: GitHubTokens, signal: AbortSignal): Promise<LiveToken> {
    const stillGood = record.expiresAt !== null && record.expiresAt > this.#deps.clock();
    const old: LiveToken = { token: tokens.accessToken, version: record.version };
    try {
      const fresh = await this.#exchange(record, tokens, signal);
      if (fresh !== null) return await this.#save(record, fresh);
    } catch (error) {
      const outage = error instanceof GatewayError && error.code === 'github_unavailable';
      if (outage && stillGood) return old;
      throw error;
    }
    // Dead for good. The access token may have minutes left, but what begins now could not be finished.
    await this.#deps.store.credentials.markRejected(record.userId, record.version, this.#deps.clock());
    throw signInAgain();
  }

  /** New tokens; null: GitHub says that the refresh token is dead. */
  async #exchange(record: CredentialRecord, tokens: GitHubTokens, signal: AbortSignal): Promise<GitHubTokens | null> {
    const unsaved = this.#unsaved.get(record.userId);
    if (unsaved?.version === record.version) return unsaved.tokens;
    if (tokens.refreshToken === null) return null;
    const answer = await this.#deps.github.refresh(tokens.refreshToken, signal);
    if (answer.kind === 'tokens')
      return { ...answer.tokens, refreshToken: answer.tokens.refreshToken ?? tokens.refreshToken };
    if (DEAD.has(answer.error)) return null;
    // E.g. a wrong client secret: the operator's mistake must not sign everybody out.
    this.#deps.logger.error({ error: answer.error }, 'GitHub refuses to refresh tokens for this app');
    throw notRenewed();
  }

  async #save(record: CredentialRecord, tokens: GitHubTokens): Promise<LiveToken> {
    const { store, vault, clock } = this.#deps;
    const { userId, version } = record;
    this.#unsaved.set(userId, { version, tokens });
    const sealed = await vault.seal(userId, tokens);
    const written = await store.credentials.replace({
      userId,
      version,
      ...sealed,
      expiresAt: tokens.expiresAt,
      now: clock(),
    });
    this.#unsaved.delete(userId);
    const current = await store.credentials.find(userId);
    if (current === null || current.rejectedAt !== null) throw signInAgain();
    // Not written: a new sign-in came between, and its tokens are the ones to use.
    const token = written ? tokens.accessToken : (await this.#deps.open(current)).accessToken;
    return { token, version: current.version };
  }
}

function notRenewed(cause?: unknown): GatewayError {
  return new GatewayError('github_unavailable', 'GitHub did not renew your sign-in. Try again in a moment.', { cause });
}

/** The answer whenever only a new sign-in helps. */
export function signInAgain(cause?: unknown): GatewayError {
  return new GatewayError('reauth_required', 'GitHub no longer accepts your sign-in here. Sign in again.', { cause });
}

/** The promise's outcome, or the signal's reason if that comes first. */
async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
