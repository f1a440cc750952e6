/** Signing in: who came back from GitHub, whether they may enter, and what is kept of it. */
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { UserRecord } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import type { Access } from './access.ts';
import type { AuthLogger, Clock } from './auth-logger.ts';
import type { CredentialVault, GitHubTokens } from './credential-vault.ts';
import { type GitHubClient, TokenRefused } from './github-client.ts';
import type { MembershipCheck } from './membership.ts';
import { noToken, refusedBy } from './sign-in-errors.ts';

/** Collaborators of {@link SignIn}. */
export interface SignInDeps {
  readonly github: Config['github'];
  readonly store: Pick<Store, 'users' | 'credentials'>;
  readonly client: GitHubClient;
  readonly check: MembershipCheck;
  readonly vault: CredentialVault;
  readonly access: Access;
  readonly logger: AuthLogger;
  readonly clock: Clock;
}

/** For everything that is asked of GitHub after the code was redeemed; milliseconds. */
const DEADLINE_MS = 30_000;

/** Turns fresh tokens into a stored user, or refuses and leaves nothing behind. */
export class SignIn {
  readonly #deps: SignInDeps;

  constructor(deps: SignInDeps) {
    this.#deps = deps;
  }

  /** @throws GatewayError `sign_in_refused`, `account_blocked`, `sign_in_failed`, `github_unavailable` */
  async admit(tokens: GitHubTokens): Promise<UserRecord> {
    const { store, vault, clock } = this.#deps;
    const signal = AbortSignal.timeout(DEADLINE_MS);
    try {
      const user = await this.#identify(tokens, signal);
      const sealed = await vault.seal(user.id, tokens);
      const stored = await store.users.upsert({ ...user, now: clock() });
      await store.credentials.put({ userId: user.id, ...sealed, expiresAt: tokens.expiresAt, now: clock() });
      return stored;
    } catch (error) {
      await this.#drop(tokens);
      throw error;
    }
  }

  /** The person behind the token, if they may enter. Identity is GitHub's numeric id: logins change hands. */
  async #identify(tokens: GitHubTokens, signal: AbortSignal) {
    const { client, check, store, access, github } = this.#deps;
    const token = tokens.accessToken;
    try {
      const user = await client.user(token, signal);
      const known = await store.users.find(user.id);
      if (known !== null && known.blockedAt !== null) {
        throw new GatewayError('account_blocked', 'An operator has blocked this account.');
      }
      const refusal = await check.refusal(user, token, signal);
      if (refusal === null) return user;
      const error = refusedBy(refusal, github);
      // They were let in before: what they still have open ends with this verdict.
      if (known !== null && refusal.kind === 'not_listed') await access.endAll(user.id, error);
      throw error;
    } catch (error) {
      throw error instanceof TokenRefused ? noToken('token_refused') : error;
    }
  }

  /** A token that signs nobody in should not stay alive. If GitHub cannot be told, forgetting it must do. */
  async #drop(tokens: GitHubTokens): Promise<void> {
    try {
      await this.#deps.client.revoke('token', tokens.accessToken, AbortSignal.timeout(DEADLINE_MS));
    } catch (error) {
      this.#deps.logger.warn({ err: error }, 'The token of a sign-in that failed could not be revoked at GitHub');
    }
  }
}
