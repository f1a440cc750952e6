/**
 * Seals GitHub tokens for the store: JWE `dir` with A256GCM. Whose and what it is stands in the protected header and is
 * compared after decryption, so that a sealed value copied into another person's row does not open there (D11).
 */
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader } from 'jose';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import type { Keyring } from './keyring.ts';

const TokensShape = Type.Object({
  accessToken: Type.String({ minLength: 1 }),
  refreshToken: Type.Union([Type.String(), Type.Null()]),
  expiresAt: Type.Union([Type.Integer(), Type.Null()]),
  refreshExpiresAt: Type.Union([Type.Integer(), Type.Null()]),
});

/** A person's GitHub tokens in clear. Times are milliseconds since the epoch; null: does not end, or is not told. */
export type GitHubTokens = Static<typeof TokensShape>;

/** A sealed value that cannot be opened. `reason` is for the log; nothing of the content is in it. */
export class VaultError extends Error {
  readonly reason: 'unknown_key' | 'wrong_owner' | 'damaged';
  constructor(reason: VaultError['reason'], message: string) {
    super(message);
    this.name = 'VaultError';
    this.reason = reason;
  }
}

const PURPOSE = 'github-credential';

/** Seals and opens with the keys of one ring. */
export class CredentialVault {
  readonly #ring: Keyring;

  constructor(ring: Keyring) {
    this.#ring = ring;
  }

  /** `kid` of the key that seals now. */
  get keyId(): string {
    return this.#ring.current.kid;
  }

  knows(keyId: string): boolean {
    return this.#ring.find(keyId) !== null;
  }

  async seal(userId: string, tokens: GitHubTokens): Promise<{ sealed: string; keyId: string }> {
    const { kid, key } = this.#ring.current;
    const sealed = await new CompactEncrypt(new TextEncoder().encode(JSON.stringify(tokens)))
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid, ctx: contextOf(userId) })
      .encrypt(key);
    return { sealed, keyId: kid };
  }

  /** @throws VaultError when the key is not in the ring, or it is not this person's, or it was changed */
  async open(userId: string, sealed: string): Promise<GitHubTokens> {
    const kid = this.#kidOf(sealed);
    const key = this.#ring.find(kid)?.key;
    if (key === undefined) {
      throw new VaultError('unknown_key', `A credential is sealed with key ${kid}, which is not in CREDENTIAL_KEYS.`);
    }
    const { plaintext, protectedHeader } = await compactDecrypt(sealed, key, {
      keyManagementAlgorithms: ['dir'],
      contentEncryptionAlgorithms: ['A256GCM'],
    }).catch((): never => {
      throw new VaultError('damaged', 'A sealed credential was changed or cut.');
    });
    if (protectedHeader.ctx !== contextOf(userId)) {
      throw new VaultError('wrong_owner', 'A sealed credential lies in the row of a person it was not sealed for.');
    }
    const value: unknown = JSON.parse(new TextDecoder().decode(plaintext));
    if (!Value.Check(TokensShape, value)) throw new VaultError('damaged', 'A sealed credential has an unknown shape.');
    return value;
  }

  #kidOf(sealed: string): string {
    try {
      const { kid } = decodeProtectedHeader(sealed);
      if (kid !== undefined) return kid;
    } catch {
      // Not a JWE at all: told below like one without a key's name.
    }
    throw new VaultError('damaged', 'A stored credential is not a sealed one.');
  }
}

function contextOf(userId: string): string {
  return `${PURPOSE}:${userId}`;
}
