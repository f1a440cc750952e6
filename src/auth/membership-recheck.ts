/** Checks again, while people are signed in, whether they are still among the allowed. An outage of GitHub is no verdict. */
import { GatewayError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { Access } from './access.ts';
import type { Clock } from './auth-logger.ts';
import type { Credentials } from './credentials.ts';
import { TokenRefused } from './github-client.ts';
import type { MembershipCheck, MembershipDeps } from './membership.ts';
import { type LiveToken, signInAgain } from './token-refresh.ts';

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
/** So many people in a row of whom GitHub says nothing are an outage; fewer may be about these people. */
const OUTAGE = 3;

/** Checks again those whose last check is older than `GITHUB_RECHECK_MINUTES`. */
export class MembershipRecheck {
  readonly #deps: RecheckDeps;
  readonly #running = new Map<string, Promise<keyof RecheckRound>>();
  readonly #closing = new AbortController();

  constructor(deps: RecheckDeps) {
    this.#deps = deps;
  }

  /** A few people per call, for a job that runs often. Stops at the first sign of an outage. */
  async recheckDue(now: number, signal: AbortSignal): Promise<RecheckRound> {
    const { github, check, store } = this.#deps;
    const round = { stillAllowed: 0, ended: 0, unknown: 0 };
    if (!check.restricts) return round;
    let unknownInARow = 0;
    for (const userId of await store.users.dueForRecheck(now - github.recheckMs, AT_ONCE)) {
      signal.throwIfAborted();
      const verdict = await this.#once(userId, signal);
      round[verdict] += 1;
      unknownInARow = verdict === 'unknown' ? unknownInARow + 1 : 0;
      if (unknownInARow === OUTAGE) break;
    }
    return round;
  }

  /** For someone whose credential is being used: checks them behind the request if they are due and no job has come yet. */
  checkSoon(userId: string, checkedAt: number): void {
    const { check, github, clock, logger } = this.#deps;
    if (!check.restricts || clock() - checkedAt < github.recheckMs || this.#closing.signal.aborted) return;
    this.#once(userId, this.#closing.signal).catch((error: unknown) => {
      logger.warn({ userId, err: error }, 'A membership could not be checked again');
    });
  }

  /** Ends what is under way and waits for it. */
  async close(): Promise<void> {
    this.#closing.abort(new GatewayError('shutting_down', 'The gateway is shutting down.'));
    await Promise.allSettled(this.#running.values());
  }

  #once(userId: string, signal: AbortSignal): Promise<keyof RecheckRound> {
    const running = this.#running.get(userId);
    if (running !== undefined) return running;
    const check = this.#recheck(userId, signal).finally(() => this.#running.delete(userId));
    this.#running.set(userId, check);
    return check;
  }

  async #recheck(userId: string, signal: AbortSignal): Promise<keyof RecheckRound> {
    const { store, credentials, clock } = this.#deps;
    try {
      const live = await credentials.liveToken(userId, signal);
      return await this.#ask(userId, live, signal);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      if (error.code !== 'reauth_required') return 'unknown';
      // A dead token says nothing about membership. No turn can use it, and the next sign-in checks.
      await store.credentials.markChecked(userId, clock());
      return 'stillAllowed';
    }
  }

  async #ask(userId: string, { token, version }: LiveToken, signal: AbortSignal): Promise<'stillAllowed' | 'ended'> {
    const { client, check, store, clock, logger } = this.#deps;
    try {
      const user = await client.user(token, signal);
      const refusal = await check.refusal(user, token, signal);
      if (refusal === null) {
        await store.users.upsert({ ...user, id: userId, now: clock() });
        await store.credentials.markChecked(userId, clock());
        return 'stillAllowed';
      }
      logger.info({ userId, refusal: refusal.kind }, 'A user may no longer use the gateway: their sessions end');
      await this.#end(userId, token, signal);
      return 'ended';
    } catch (error) {
      if (!(error instanceof TokenRefused)) throw error;
      await store.credentials.markRejected(userId, version, clock());
      throw signInAgain(error);
    }
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
