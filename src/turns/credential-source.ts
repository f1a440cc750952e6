/**
 * Where a turn gets the right to use Copilot from. `auth/` implements it; turns and feature rooms only ask.
 */
import type { RuntimeUser } from '../runtimes/runtime-port.ts';

export interface CredentialSource {
  /**
   * The user with a credential that is good now: an expiring GitHub token is refreshed first, once for all who ask.
   * @throws GatewayError `reauth_required` when only a new sign-in helps, `github_unavailable` when a needed refresh
   * could not reach GitHub, `account_blocked`, `store_unavailable`.
   */
  runtimeUser(userId: string, signal: AbortSignal): Promise<RuntimeUser>;
  /** GitHub or Copilot answered 401 for it: no further use before a new sign-in. */
  rejected(user: RuntimeUser): Promise<void>;
}
