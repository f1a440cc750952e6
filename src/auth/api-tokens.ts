/**
 * Personal API tokens: JWTs signed with EdDSA. The signature says that a token is ours and unchanged; the store says
 * whether it may still be used, so that a revocation is felt at once on every instance that hears of it, and soon on others.
 */
import { errors, jwtVerify, SignJWT } from 'jose';
import { GatewayError } from '../errors.ts';
import { type Principal, principal, type Scope } from '../principal.ts';
import type { ApiTokenRecord } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import { newId } from '../wire/ids.ts';
import type { ApiTokenKeys } from './api-token-keys.ts';
import type { AuthLogger, Clock } from './auth-logger.ts';
import type { TokenVerifier } from './token-verifier.ts';

/** Collaborators of {@link ApiTokens}. */
export interface ApiTokensDeps {
  readonly keys: ApiTokenKeys;
  readonly store: Pick<Store, 'apiTokens'>;
  /** Origin of `PUBLIC_URL`: who issues them. */
  readonly issuer: string;
  readonly logger: AuthLogger;
  readonly clock: Clock;
}

/** What a person wants. */
export interface NewApiToken {
  readonly userId: string;
  readonly name: string;
  readonly expiresInDays: number;
  readonly scopes: readonly Scope[];
}

/** No JWT made for another purpose passes for one of these (RFC 8725, section 3.11). */
const TYPE = 'pilothouse-at+jwt';
const AUDIENCE = 'urn:pilothouse:api';
const ALGORITHM = 'EdDSA';

/** Unexpired tokens of one person. */
const MOST_TOKENS = 50;
const DAY_MS = 86_400_000;
/** A token's last use is written down at most this often; milliseconds. */
const TOUCH_MS = 60_000;

/** Issues tokens and checks them. */
export class ApiTokens implements TokenVerifier {
  readonly #deps: ApiTokensDeps;
  /** Tokens whose last use is being written: parallel requests write it once. */
  readonly #touching = new Set<string>();

  constructor(deps: ApiTokensDeps) {
    this.#deps = deps;
  }

  /**
   * @returns the record and the token itself, which is nowhere kept
   * @throws GatewayError `conflict` when the person has as many as one may have
   */
  async issue({
    userId,
    name,
    expiresInDays,
    scopes,
  }: NewApiToken): Promise<{ record: ApiTokenRecord; token: string }> {
    const { keys, store, clock, issuer } = this.#deps;
    const signer = await keys.signer();
    const now = clock();
    // A JWT's times are whole seconds: the record says the same moment.
    const expiresAt = Math.floor(now / 1000) * 1000 + expiresInDays * DAY_MS;
    const wanted = { id: newId(), userId, name, scopes: [...new Set(scopes)], expiresAt, now };
    const record = await store.apiTokens.createWithin(wanted, MOST_TOKENS);
    if (record === null) {
      throw new GatewayError(
        'conflict',
        `You have ${MOST_TOKENS} API tokens already. Delete one that you no longer use.`,
      );
    }
    const token = await new SignJWT({ scope: record.scopes.join(' ') })
      .setProtectedHeader({ alg: ALGORITHM, typ: TYPE, kid: signer.kid })
      .setIssuer(issuer)
      .setAudience(AUDIENCE)
      .setSubject(userId)
      .setJti(record.id)
      .setIssuedAt(Math.floor(now / 1000))
      .setExpirationTime(expiresAt / 1000)
      .sign(signer.key);
    return { record, token };
  }

  async verify(token: string): Promise<Principal | null> {
    const claims = await this.#claims(token);
    if (claims === null) return null;
    const found = await this.#deps.store.apiTokens.findValid(claims.id, this.#deps.clock());
    if (found === null || found.token.userId !== claims.userId) return null;
    await this.#touch(found.token);
    const { userId, scopes, id: tokenId } = found.token;
    const both = scopes.filter((scope) => claims.scopes.includes(scope));
    return principal({ userId, login: found.login, proof: { kind: 'token', tokenId, scopes: both } });
  }

  /** What the token says, if it is ours, unchanged and not expired; else null (D10: any failure is the same answer). */
  async #claims(token: string): Promise<{ id: string; userId: string; scopes: string[] } | null> {
    const { keys, issuer, clock } = this.#deps;
    try {
      const { payload } = await jwtVerify(
        token,
        async ({ kid }) => {
          const key = kid === undefined ? null : await keys.verifier(kid);
          if (key === null) throw new errors.JWKSNoMatchingKey();
          return key;
        },
        {
          algorithms: [ALGORITHM],
          typ: TYPE,
          issuer,
          audience: AUDIENCE,
          requiredClaims: ['exp', 'iat', 'jti', 'sub', 'scope'],
          currentDate: new Date(clock()),
        },
      );
      const { jti, sub, scope } = payload;
      if (typeof jti !== 'string' || typeof sub !== 'string' || typeof scope !== 'string') return null;
      return { id: jti, userId: sub, scopes: scope.split(' ') };
    } catch (error) {
      // The store being away says nothing about the token; whatever else went wrong, it is none of ours.
      if (error instanceof GatewayError) throw error;
      return null;
    }
  }

  async #touch({ id, lastUsedAt }: ApiTokenRecord): Promise<void> {
    const { store, clock, logger } = this.#deps;
    const now = clock();
    if (this.#touching.has(id) || (lastUsedAt !== null && now - lastUsedAt < TOUCH_MS)) return;
    this.#touching.add(id);
    try {
      await store.apiTokens.touch(id, now);
    } catch (error) {
      // Reading works, writing does not: the request may still be served; the next one touches again.
      logger.warn({ err: error }, 'The last use of an API token could not be written down');
    } finally {
      this.#touching.delete(id);
    }
  }
}
