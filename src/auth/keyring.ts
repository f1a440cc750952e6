/**
 * Keys derived from configured secrets. The first secret writes, the others are still read, so that a secret can be
 * replaced without signing anybody out.
 */
import { createHash, hkdfSync } from 'node:crypto';

/** A key and the name it goes by in what it protects. */
export interface RingKey {
  readonly kid: string;
  readonly key: Uint8Array;
}

/** The keys of one purpose. */
export class Keyring {
  readonly current: RingKey;
  readonly #keys: ReadonlyMap<string, RingKey>;

  /**
   * @param secrets base64url, at least 32 bytes each, current first
   * @param purpose keys of different purposes are unrelated even when they come from the same secret
   * @throws Error when there is no secret, or one is too short
   */
  constructor(secrets: readonly string[], purpose: string) {
    const keys = secrets.map((secret) => ringKey(secret, purpose));
    const [current] = keys;
    if (current === undefined) throw new Error(`There is no secret to derive the ${purpose} key from.`);
    this.current = current;
    this.#keys = new Map(keys.map((key) => [key.kid, key]));
  }

  find(kid: string): RingKey | null {
    return this.#keys.get(kid) ?? null;
  }
}

/**
 * 32 bytes for `purpose` by HKDF-SHA-256 (RFC 5869): secrets of any length fit, and no two purposes share a key.
 * @throws Error when the secret has fewer than 32 bytes
 */
export function deriveKey(secret: string, purpose: string): Uint8Array {
  const bytes = Buffer.from(secret, 'base64url');
  if (bytes.length < 32) throw new Error('A secret must have at least 32 bytes in base64url.');
  return new Uint8Array(hkdfSync('sha256', bytes, '', `pilothouse ${purpose}`, 32));
}

function ringKey(secret: string, purpose: string): RingKey {
  const key = deriveKey(secret, purpose);
  // A hash of the derived key, never of the secret: the name is stored in clear beside what the key protects.
  const kid = createHash('sha256').update(`pilothouse kid ${purpose}`).update(key).digest('base64url').slice(0, 16);
  return { kid, key };
}
