/** The part of the auth room that makes and checks API tokens, over a store that several instances may share. */

import { SIGNING_KEY_PURPOSE } from '../../src/auth/api-token-key-seal.ts';
import { ApiTokenKeys } from '../../src/auth/api-token-keys.ts';
import { ApiTokens } from '../../src/auth/api-tokens.ts';
import type { AuthLogger } from '../../src/auth/auth-logger.ts';
import { Keyring } from '../../src/auth/keyring.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { Store } from '../../src/store/store.ts';

export const DAY = 86_400_000;
export const ISSUER = 'https://gateway.example';
export const SECRET = Buffer.alloc(32, 7).toString('base64url');
export const OTHER_SECRET = Buffer.alloc(32, 8).toString('base64url');
const SILENT: AuthLogger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** An instance of the room over a store that others may share. */
export function instance(store: Store, clock: () => number, secrets: string[] = [SECRET]) {
  const ring = new Keyring(secrets, SIGNING_KEY_PURPOSE);
  const keys = new ApiTokenKeys({ store, ring, logger: SILENT, clock });
  return { ring, keys, tokens: new ApiTokens({ keys, store, issuer: ISSUER, logger: SILENT, clock }) };
}

/** A store of its own, with one person in it. */
export async function freshStore(): Promise<{ store: Store } & AsyncDisposable> {
  const store = await openStore({ kind: 'sqlite', path: ':memory:' });
  await store.users.upsert({ id: '1001', login: 'mona', name: null, avatarUrl: null, now: 0 });
  return { store, [Symbol.asyncDispose]: () => store.close() };
}
