/** The port by which API tokens are checked; the tokens themselves are another file's business. */
import type { Principal } from '../principal.ts';

export interface TokenVerifier {
  /**
   * Whose token it is and what it may do; null: not one of ours, expired or revoked. Whether the user still exists and may
   * enter is checked by `authenticate`, for every kind of credential alike.
   */
  verify(token: string): Promise<Principal | null>;
}
