/** Who may use the gateway: anyone, or the people and organizations the operator names. Asked at sign-in and again later. */
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { Access } from './access.ts';
import type { AuthLogger, Clock } from './auth-logger.ts';
import type { Credentials } from './credentials.ts';
import { type GitHubClient, type GitHubUser, type Membership, TokenRefused } from './github-client.ts';

/** Why someone may not, with what they can do about it. */
export type Refusal =
  | { readonly kind: 'not_listed' }
  | { readonly kind: 'sso_required'; readonly org: string; readonly url: string | null }
  | { readonly kind: 'app_restricted'; readonly org: string }
  | { readonly kind: 'not_visible'; readonly org: string };

/** Collaborators of {@link MembershipCheck}. */
export interface MembershipDeps {
  readonly github: Config['github'];
  readonly client: GitHubClient;
  readonly logger: AuthLogger;
}

/** Asks GitHub whether a person is still one of the allowed. */
export class MembershipCheck {
  readonly #deps: MembershipDeps;

  constructor(deps: MembershipDeps) {
    this.#deps = deps;
  }

  /** Whether anything has to be checked at all. */
  get restricts(): boolean {
    const { allowedOrgs, allowedUsers } = this.#deps.github;
    return allowedOrgs.length > 0 || allowedUsers.length > 0;
  }

  /**
   * Null: allowed. `user` was just read with `token`, so the login is the current one.
   * @throws TokenRefused, GatewayError `github_unavailable` when GitHub cannot say
   */
  async refusal(user: GitHubUser, token: string, signal: AbortSignal): Promise<Refusal | null> {
    const { allowedOrgs, allowedUsers } = this.#deps.github;
    if (!this.restricts) return null;
    if (allowedUsers.some((login) => login.toLowerCase() === user.login.toLowerCase())) return null;
    let refusal: Refusal = { kind: 'not_listed' };
    for (const org of allowedOrgs) {
      const membership = await this.#deps.client.membership(token, org, signal);
      if (membership.kind === 'member') return null;
      // What the person can do something about is told rather than "not a member".
      if (refusal.kind === 'not_listed') refusal = this.#refusalOf(membership, org);
    }
    return refusal;
  }

  #refusalOf(membership: Exclude<Membership, { kind: 'member' }>, org: string): Refusal {
    if (membership.kind === 'not_member') return { kind: 'not_listed' };
    if (membership.kind === 'sso_required') return { kind: 'sso_required', org, url: this.#ownUrl(membership.url) };
    if (membership.kind === 'app_restricted') return { kind: 'app_restricted', org };
    this.#deps.logger.warn(
      { org },
      'GitHub does not let this app see memberships: a GitHub App needs the organization permission "Members: read", an OAuth App the scope read:org',
    );
    return { kind: 'not_visible', org };
  }

  /** A link from a header is shown to people only when it leads to the GitHub we know. */
  #ownUrl(url: string | null): string | null {
    const parsed = url === null ? null : URL.parse(url);
    return parsed?.origin === new URL(this.#deps.github.url).origin ? parsed.href : null;
  }
}

/** Collaborators of {@link MembershipRecheck}. */
export interface RecheckDeps extends MembershipDeps {
  readonly check: MembershipCheck;
  readonly store: Pick<Store, 'users' | 'credentials'>;
  readonly credentials: Credentials;
  readonly access: Access;
  readonly clock: Clock;
}

/** What a round of re-checks came to. `unknown`: GitHub could not say; nobody is signed out for that. */
export interface RecheckRound {
  readonly stillAllowed: number;
  readonly ended: number;
  readonly unknown: number;
}

const AT_ONCE = 50;

/** Checks again those whose last check is older than `GITHUB_RECHECK_MINUTES`. */
export class MembershipRecheck {
  readonly #deps: RecheckDeps;

  constructor(deps: RecheckDeps) {
    this.#deps = deps;
  }

  /** A few people per call, for a job that runs often. Stops at the first sign of an outage. */
  async recheckDue(now: number, signal: AbortSignal): Promise<RecheckRound> {
    const { github, check, store } = this.#deps;
    const round = { stillAllowed: 0, ended: 0, unknown: 0 };
    if (!check.restricts) return round;
    for (const userId of await store.users.dueForRecheck(now - github.recheckMs, AT_ONCE)) {
      signal.throwIfAborted();
      const verdict = await this.#recheck(userId, signal);
      round[verdict] += 1;
      if (verdict === 'unknown') break;
    }
    return round;
  }

  async #recheck(userId: string, signal: AbortSignal): Promise<keyof RecheckRound> {
    const { client, check, store, credentials, clock, logger } = this.#deps;
    try {
      const { token, version } = await credentials.liveToken(userId, signal);
      const user = await client
        .user(token, signal)
        .catch((error: unknown) => this.#noteRefused(error, userId, version));
      // A token that belongs to someone else by now proves nothing about this person.
      const refusal = user.id === userId ? await check.refusal(user, token, signal) : ({ kind: 'not_listed' } as const);
      if (refusal === null) {
        await store.users.upsert({ ...user, now: clock() });
        await store.credentials.markChecked(userId, clock());
        return 'stillAllowed';
      }
      logger.info({ userId, refusal: refusal.kind }, 'A user may no longer use the gateway: their sessions end');
      await this.#end(userId, token, signal);
      return 'ended';
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      if (error.code !== 'reauth_required') return 'unknown';
      // A dead token says nothing about membership. No turn can use it, and the next sign-in checks.
      await store.credentials.markChecked(userId, clock());
      return 'stillAllowed';
    }
  }

  async #noteRefused(error: unknown, userId: string, version: number): Promise<never> {
    if (!(error instanceof TokenRefused)) throw error;
    await this.#deps.store.credentials.markRejected(userId, version, this.#deps.clock());
    throw new GatewayError('reauth_required', 'GitHub no longer accepts your sign-in here. Sign in again.');
  }

  async #end(userId: string, token: string, signal: AbortSignal): Promise<void> {
    const { access, store, client, logger } = this.#deps;
    await access.endAll(userId, new GatewayError('sign_in_refused', 'This account may no longer sign in here.'));
    await store.credentials.delete(userId);
    await client.revoke('token', token, signal).catch((error: unknown) => {
      logger.warn(
        { userId, err: error },
        'The token of a removed user could not be revoked at GitHub; it is deleted here',
      );
    });
  }
}
