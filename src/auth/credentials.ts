/**
 * Hands out the right to use Copilot. The store is asked every time, so a block, a rejection or a new sign-in is felt at
 * once on every instance; only the decryption is spared.
 */
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { RuntimeUser } from '../runtimes/runtime-port.ts';
import type { CredentialRecord } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import type { CredentialSource } from '../turns/credential-source.ts';
import { CredentialCache } from './credential-cache.ts';
import { type GitHubTokens, VaultError } from './credential-vault.ts';
import { dueForRefresh, type LiveToken, signInAgain, TokenRefresh, type TokenRefreshDeps } from './token-refresh.ts';

/** Collaborators of {@link Credentials}. */
export interface CredentialDeps extends Omit<TokenRefreshDeps, 'open'> {
  readonly copilot: Pick<Config['copilot'], 'auth' | 'serviceToken'>;
  readonly store: Pick<Store, 'users' | 'credentials'>;
  /** Told of every use, with the time of the last membership check. */
  readonly onUse: (userId: string, checkedAt: number) => void;
}

/** Implements the port that turns ask. */
export class Credentials implements CredentialSource {
  readonly #deps: CredentialDeps;
  readonly #cache = new CredentialCache();
  readonly #refresh: TokenRefresh;

  constructor(deps: CredentialDeps) {
    this.#deps = deps;
    this.#refresh = new TokenRefresh({ ...deps, open: (record) => this.#open(record) });
  }

  async runtimeUser(userId: string, signal: AbortSignal): Promise<RuntimeUser> {
    const { copilot, store } = this.#deps;
    const user = await store.users.find(userId);
    if (user === null) throw signInAgain();
    if (user.blockedAt !== null) throw new GatewayError('account_blocked', 'An operator has blocked this account.');
    if (copilot.auth === 'byok') return { userId, credential: { kind: 'byok' } };
    if (copilot.auth === 'service') {
      // Topology `external` without a token here: the headless server has its own.
      return { userId, credential: { kind: 'service', token: copilot.serviceToken ?? '' } };
    }
    const { token, version } = await this.liveToken(userId, signal);
    return { userId, credential: { kind: 'github', token, version } };
  }

  async rejected({ userId, credential }: RuntimeUser): Promise<void> {
    const { store, clock, logger } = this.#deps;
    if (credential.kind === 'github') {
      // By version: a token that was replaced meanwhile is not blamed for the old one.
      await store.credentials.markRejected(userId, credential.version, clock());
      logger.info({ userId }, 'GitHub no longer accepts the token of a user: they must sign in again');
      return;
    }
    logger.error({ credential: credential.kind }, 'Copilot rejected the credential that serves everyone');
  }

  /**
   * The person's own GitHub token, refreshed first when it is about to end.
   * @throws GatewayError `reauth_required`, `github_unavailable`, `store_unavailable`
   */
  async liveToken(userId: string, signal: AbortSignal): Promise<LiveToken> {
    const { store, clock } = this.#deps;
    const record = await store.credentials.find(userId);
    if (record === null || record.rejectedAt !== null) throw signInAgain();
    this.#deps.onUse(userId, record.checkedAt);
    if (dueForRefresh(record.expiresAt, clock())) return await this.#refresh.renew(record, signal);
    const tokens = await this.#open(record);
    return { token: tokens.accessToken, version: record.version };
  }

  /** Forgets every opened credential and ends refreshes under way. */
  async close(): Promise<void> {
    this.#cache.clear();
    await this.#refresh.close();
  }

  async #open(record: CredentialRecord): Promise<GitHubTokens> {
    const { vault, logger, clock } = this.#deps;
    const { userId, sealed } = record;
    const cached = this.#cache.get(userId, sealed, clock());
    if (cached !== null) return cached;
    try {
      const tokens = await vault.open(userId, sealed);
      this.#cache.put(userId, sealed, tokens, clock());
      return tokens;
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      logger.error({ userId, reason: error.reason }, error.message);
      throw signInAgain(error);
    }
  }
}
