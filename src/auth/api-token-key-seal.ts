/**
 * Seals the private part of a signing key for the store: JWE `dir` with A256GCM. Which key it is stands in the protected
 * header and is compared after decryption, so that a sealed value moved to another row does not open there (D11).
 */
import { CompactEncrypt, compactDecrypt, type JWK } from 'jose';
import type { Keyring, RingKey } from './keyring.ts';

/** Keys derived for this purpose open nothing else. */
export const SIGNING_KEY_PURPOSE = 'api-token-signing-key';

/** Seals with the current key of the ring. */
export async function sealPrivateKey(ring: Keyring, kid: string, privateJwk: JWK): Promise<string> {
  const { kid: sealedWith, key } = ring.current;
  return new CompactEncrypt(new TextEncoder().encode(JSON.stringify(privateJwk)))
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: sealedWith, ctx: contextOf(kid) })
    .encrypt(key);
}

/** @throws Error when it was sealed with another key, for another purpose, or was changed */
export async function openPrivateKey({ key }: RingKey, kid: string, sealed: string): Promise<JWK> {
  const { plaintext, protectedHeader } = await compactDecrypt(sealed, key, {
    keyManagementAlgorithms: ['dir'],
    contentEncryptionAlgorithms: ['A256GCM'],
  });
  if (protectedHeader.ctx !== contextOf(kid)) throw new Error('A sealed signing key lies in the row of another one.');
  return JSON.parse(new TextDecoder().decode(plaintext)) as JWK;
}

function contextOf(kid: string): string {
  return `${SIGNING_KEY_PURPOSE}:${kid}`;
}
