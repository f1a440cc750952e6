/** Who may use the gateway: anyone, or the people and organizations the operator names. */
import type { Config } from '../config.ts';
import type { AuthLogger } from './auth-logger.ts';
import type { GitHubClient, GitHubUser, Membership } from './github-client.ts';

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
