/** Rotation of `CREDENTIAL_KEYS`: what is sealed with an old key is sealed anew; what no key opens refuses the start. */
import type { CredentialRecord } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import type { AuthLogger, Clock } from './auth-logger.ts';
import { type CredentialVault, VaultError } from './credential-vault.ts';

/** Collaborators of both functions. */
export interface RotationDeps {
  readonly store: Pick<Store, 'credentials'>;
  readonly vault: CredentialVault;
  readonly logger: AuthLogger;
  readonly clock: Clock;
}

/** How far a re-encryption came. */
export interface Rotation {
  readonly resealed: number;
  /** Cannot be opened (damaged): their people have to sign in again. */
  readonly unreadable: number;
}

const PAGE = 200;

/** @throws Error when a stored credential is sealed with a key that `CREDENTIAL_KEYS` lacks */
export async function assertKeysComplete({ store, vault }: Pick<RotationDeps, 'store' | 'vault'>): Promise<void> {
  for (let after: string | null = null; ; ) {
    const page = await store.credentials.sealedWithOther(vault.keyId, after, PAGE);
    const missing = page.find((record) => !vault.knows(record.keyId));
    if (missing !== undefined) {
      throw new Error(
        `Stored GitHub credentials are sealed with key ${missing.keyId}, which CREDENTIAL_KEYS (or secrets.json) does not contain. Add the old key after the new one; it can go once everything is re-encrypted.`,
      );
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last.userId;
  }
}

/**
 * Seals with the current key whatever is not. Can be stopped anywhere and begun again: the store knows what is left.
 * A credential that is refreshed or replaced meanwhile is left to its writer, who uses the current key anyway.
 */
export async function reencryptAll(deps: RotationDeps, signal: AbortSignal): Promise<Rotation> {
  const { store, vault } = deps;
  let [resealed, unreadable] = [0, 0];
  for (let after: string | null = null; ; ) {
    const page = await store.credentials.sealedWithOther(vault.keyId, after, PAGE);
    for (const record of page) {
      signal.throwIfAborted();
      // Under the refresh lock: a refresh that lost the race for the version would lose GitHub's new tokens with it.
      const outcome = await store.credentials.withRefreshLock(record.userId, signal, () => reseal(deps, record.userId));
      if (outcome === 'resealed') resealed += 1;
      if (outcome === 'unreadable') unreadable += 1;
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return { resealed, unreadable };
    after = last.userId;
  }
}

/**
 * Removes what no key opens, but for what its person has replaced meanwhile by signing in.
 * @returns how many
 */
export async function forgetUnreadable({ store, vault }: Pick<RotationDeps, 'store' | 'vault'>): Promise<number> {
  let forgotten = 0;
  for await (const { userId, sealed, version } of sealedWithOlder({ store, vault })) {
    try {
      await vault.open(userId, sealed);
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      if (await store.credentials.delete(userId, version)) forgotten += 1;
    }
  }
  return forgotten;
}

/** What is sealed with another key than the current one. */
export async function* sealedWithOlder({
  store,
  vault,
}: Pick<RotationDeps, 'store' | 'vault'>): AsyncGenerator<CredentialRecord> {
  for (let after: string | null = null; ; ) {
    const page: CredentialRecord[] = await store.credentials.sealedWithOther(vault.keyId, after, PAGE);
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last.userId;
  }
}

async function reseal(deps: RotationDeps, userId: string): Promise<'resealed' | 'unreadable' | 'overtaken'> {
  const { store, vault, logger, clock } = deps;
  const record = await store.credentials.find(userId);
  if (record === null || record.keyId === vault.keyId) return 'overtaken';
  const { version, expiresAt } = record;
  try {
    const sealed = await vault.seal(userId, await vault.open(userId, record.sealed));
    const written = await store.credentials.replace({ userId, version, ...sealed, expiresAt, now: clock() });
    return written ? 'resealed' : 'overtaken';
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    logger.error({ userId, reason: error.reason }, error.message);
    return 'unreadable';
  }
}
