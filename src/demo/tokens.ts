import { randomBytes } from 'node:crypto';

/** What an access token stands for. */
export interface TokenGrant {
  login: string;
  clientId: string;
  scopes: string[];
  /** Milliseconds since the epoch; null: does not expire. */
  expiresAt: number | null;
  /** The refresh token that was issued with it, if any. */
  refreshToken: string | null;
}

/** An access token as the token endpoint hands it out. Seconds, as on GitHub's wire. */
export interface IssuedToken {
  accessToken: string;
  scopes: string[];
  refresh: { token: string; expiresInSeconds: number; accessExpiresInSeconds: number } | null;
}

interface RefreshGrant {
  login: string;
  clientId: string;
  scopes: string[];
  accessToken: string;
  expiresAt: number;
}

/** Settings of the token ledger. */
export interface TokenRules {
  /** `classic`: `gho_…`, no expiry. `expiring`: a GitHub App's `ghu_…` with a single-use `ghr_…`. */
  kind: 'classic' | 'expiring';
  accessTokenSeconds: number;
}

/** GitHub's figure for refresh tokens: six months. */
const REFRESH_TOKEN_SECONDS = 15_897_600;

/** Every token the stand-in has issued and not forgotten. */
export class TokenLedger {
  readonly #access = new Map<string, TokenGrant>();
  readonly #refresh = new Map<string, RefreshGrant>();
  readonly #rules: TokenRules;

  constructor(rules: TokenRules) {
    this.#rules = rules;
  }

  /** Issues a token, and a refresh token with it where the rules say that tokens expire. */
  issue(login: string, clientId: string, scopes: string[], now = Date.now()): IssuedToken {
    if (this.#rules.kind === 'classic') {
      const accessToken = `gho_${randomWord(36)}`;
      this.#access.set(accessToken, { login, clientId, scopes, expiresAt: null, refreshToken: null });
      return { accessToken, scopes, refresh: null };
    }
    const accessToken = `ghu_${randomWord(36)}`;
    const token = `ghr_${randomWord(76)}`;
    const seconds = this.#rules.accessTokenSeconds;
    this.#access.set(accessToken, { login, clientId, scopes, expiresAt: now + seconds * 1000, refreshToken: token });
    this.#refresh.set(token, {
      login,
      clientId,
      scopes,
      accessToken,
      expiresAt: now + REFRESH_TOKEN_SECONDS * 1000,
    });
    return {
      accessToken,
      scopes,
      refresh: { token, expiresInSeconds: REFRESH_TOKEN_SECONDS, accessExpiresInSeconds: seconds },
    };
  }

  /** Exchanges a refresh token. It and the access token it came with are dead afterwards; null if it was dead before. */
  rotate(refreshToken: string, clientId: string, now = Date.now()): IssuedToken | null {
    const grant = this.#refresh.get(refreshToken);
    if (!grant || grant.clientId !== clientId || grant.expiresAt <= now) return null;
    this.revoke(grant.accessToken);
    this.#refresh.delete(refreshToken);
    return this.issue(grant.login, clientId, grant.scopes, now);
  }

  /** The grant of a token that is known, unexpired and not revoked; null otherwise. */
  find(token: string | null, now = Date.now()): TokenGrant | null {
    const grant = token === null ? undefined : this.#access.get(token);
    if (!grant || (grant.expiresAt !== null && grant.expiresAt <= now)) return null;
    return grant;
  }

  /** Ends a token and its refresh token. False: there was no such token. */
  revoke(token: string): boolean {
    const grant = this.#access.get(token);
    if (!grant) return false;
    this.#access.delete(token);
    if (grant.refreshToken) this.#refresh.delete(grant.refreshToken);
    return true;
  }

  /** Ends every token of a person, refresh tokens of expired ones too; of one client only where `clientId` is given. */
  revokeAll(login: string, clientId?: string): void {
    const matches = (grant: { login: string; clientId: string }): boolean =>
      grant.login === login && (clientId === undefined || grant.clientId === clientId);
    for (const [token, grant] of this.#access) if (matches(grant)) this.#access.delete(token);
    for (const [token, grant] of this.#refresh) if (matches(grant)) this.#refresh.delete(token);
  }
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** Random letters and digits. The slight bias of the remainder does not matter to a stand-in. */
export function randomWord(length: number): string {
  let word = '';
  for (const byte of randomBytes(length)) word += LETTERS[byte % LETTERS.length];
  return word;
}
