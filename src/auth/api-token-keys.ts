/**
 * The rotating set of keys that sign API tokens, the same on every instance. A key signs for some months and is kept to
 * verify with until the last token it signed has ended.
 */
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';
import type { SigningKeyRecord } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import { openPrivateKey, sealPrivateKey } from './api-token-key-seal.ts';
import type { AuthLogger, Clock } from './auth-logger.ts';
import type { Keyring } from './keyring.ts';

/** Collaborators of {@link ApiTokenKeys}. */
export interface ApiTokenKeysDeps {
  readonly store: Pick<Store, 'signingKeys'>;
  /** Of the purpose `SIGNING_KEY_PURPOSE`. */
  readonly ring: Keyring;
  readonly logger: AuthLogger;
  readonly clock: Clock;
}

/** What signs now. */
export interface Signer {
  readonly kid: string;
  readonly key: CryptoKey;
}

const DAY_MS = 86_400_000;
/** The longest life of a token, in days. */
export const LONGEST_TOKEN_DAYS = 365;
/** How long a key signs. */
const SIGNS_MS = 90 * DAY_MS;
/** How long what the store said is believed; the store is asked sooner for a key that is not known. */
const FRESH_MS = 60_000;
/** Between two questions for keys that are not known: tokens of somebody else's cost no more than this. */
const UNKNOWN_MS = 1_000;

interface Known {
  readonly records: readonly SigningKeyRecord[];
  readonly verifiers: ReadonlyMap<string, CryptoKey>;
  readonly at: number;
}

/** Keeps the set in memory, makes the next key when one is due. */
export class ApiTokenKeys {
  readonly #deps: ApiTokenKeysDeps;
  #known: Known = { records: [], verifiers: new Map(), at: Number.NEGATIVE_INFINITY };
  #loading: Promise<Known> | null = null;

  constructor(deps: ApiTokenKeysDeps) {
    this.#deps = deps;
  }

  /** The key that signs now; made first where none may any more. */
  async signer(): Promise<Signer> {
    for (;;) {
      const { records } = await this.#load();
      const current = signingKey(records, this.#deps);
      if (current === null) {
        await this.#makeNext(records);
        continue;
      }
      const { ring } = this.#deps;
      const privateJwk = await openPrivateKey(ring.current, current.kid, current.sealed);
      return { kid: current.kid, key: (await importJWK(privateJwk, 'EdDSA')) as CryptoKey };
    }
  }

  /** The public key of that name; null: none of ours, or retired. */
  async verifier(kid: string): Promise<CryptoKey | null> {
    const age = this.#deps.clock() - this.#known.at;
    const found = this.#known.verifiers.get(kid);
    if (found !== undefined && age < FRESH_MS) return found;
    if (age < UNKNOWN_MS) return found ?? null;
    return (await this.#load()).verifiers.get(kid) ?? null;
  }

  /** The public parts, as `/.well-known/jwks.json` shows them (RFC 7517). */
  async publicKeys(): Promise<JWK[]> {
    const { records } = this.#deps.clock() - this.#known.at < FRESH_MS ? this.#known : await this.#load();
    return records.map(publicJwk);
  }

  /** From the store, once for all who ask at the same time. */
  async #load(): Promise<Known> {
    this.#loading ??= this.#read().finally(() => {
      this.#loading = null;
    });
    return this.#loading;
  }

  async #read(): Promise<Known> {
    const { store, clock } = this.#deps;
    const now = clock();
    const records = (await store.signingKeys.list()).filter(({ retiresAt }) => retiresAt > now);
    const verifiers = await Promise.all(
      records.map(async (record) => [record.kid, (await importJWK(publicJwk(record), 'EdDSA')) as CryptoKey] as const),
    );
    this.#known = { records, verifiers: new Map(verifiers), at: now };
    return this.#known;
  }

  async #makeNext(records: readonly SigningKeyRecord[]): Promise<void> {
    const { store, ring, clock, logger } = this.#deps;
    const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
    const bare = await exportJWK(pair.publicKey);
    const kid = await calculateJwkThumbprint(bare);
    const now = clock();
    // First, so that no generation that is still there but not listed stands in the way.
    await store.signingKeys.deleteRetired(now);
    const made = await store.signingKeys.add({
      generation: (records[0]?.generation ?? 0) + 1,
      kid,
      publicJwk: JSON.stringify({ ...bare, kid, alg: 'EdDSA', use: 'sig' }),
      sealed: await sealPrivateKey(ring, kid, await exportJWK(pair.privateKey)),
      sealedWith: ring.current.kid,
      createdAt: now,
      retiresAt: now + SIGNS_MS + LONGEST_TOKEN_DAYS * DAY_MS,
    });
    // Otherwise another instance was first, and its key is used.
    if (made) logger.info({ kid }, 'Made a new key to sign API tokens with');
  }
}

/**
 * The newest key, if it may still sign. One that is sealed with a replaced credential key may not: whoever replaces that key
 * wants what it protected replaced, and what was signed stays valid.
 */
function signingKey(
  [newest]: readonly SigningKeyRecord[],
  { ring, clock }: Pick<ApiTokenKeysDeps, 'ring' | 'clock'>,
): SigningKeyRecord | null {
  if (newest === undefined || newest.sealedWith !== ring.current.kid) return null;
  return clock() < newest.createdAt + SIGNS_MS ? newest : null;
}

function publicJwk(record: SigningKeyRecord): JWK {
  return JSON.parse(record.publicJwk) as JWK;
}
