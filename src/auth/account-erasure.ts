/** Erases a person: here, in the runtimes, and the right they gave us at GitHub. */
import { GatewayError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { Access, AccessHooks } from './access.ts';
import type { AuthLogger } from './auth-logger.ts';
import type { Credentials } from './credentials.ts';
import type { GitHubClient } from './github-client.ts';

/** Collaborators of {@link AccountErasure}. */
export interface ErasureDeps {
  readonly store: Pick<Store, 'users'>;
  readonly credentials: Credentials;
  readonly client: GitHubClient;
  readonly access: Access;
  readonly hooks: AccessHooks;
  readonly logger: AuthLogger;
}

/** For GitHub, all together; milliseconds. */
const DEADLINE_MS = 20_000;

/** The order matters: what could still write for the person stops first, what proves them to GitHub goes last but the data. */
export class AccountErasure {
  readonly #deps: ErasureDeps;

  constructor(deps: ErasureDeps) {
    this.#deps = deps;
  }

  /** Returns when nothing of the person is stored any more. An outage of GitHub does not keep their data here. */
  async erase(userId: string): Promise<void> {
    const { store, access, hooks } = this.#deps;
    await access.endAll(userId, new GatewayError('unauthenticated', 'This account was erased.'));
    await this.#revokeGrant(userId);
    const chatIds = await store.users.erase(userId);
    await hooks.onUserErased(userId, chatIds);
  }

  async #revokeGrant(userId: string): Promise<void> {
    const { credentials, client, logger } = this.#deps;
    const signal = AbortSignal.timeout(DEADLINE_MS);
    try {
      // GitHub finds the grant by a live token only, so an expiring one may have to be renewed to be revoked.
      const { token } = await credentials.liveToken(userId, signal);
      const revoked = await client.revoke('grant', token, signal);
      if (!revoked) logger.warn({ userId }, 'GitHub did not revoke the grant of an erased user');
    } catch (error) {
      logger.warn({ userId, err: error }, 'The grant of an erased user could not be revoked at GitHub');
    }
  }
}
