/** What happens to stored credentials while keys are replaced and people go on. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { forgetUnreadable } from '../../src/auth/credential-rotation.ts';
import { CredentialVault } from '../../src/auth/credential-vault.ts';
import { Keyring } from '../../src/auth/keyring.ts';
import { openStore } from '../../src/store/open-store.ts';
import { override } from '../support/auth-doubles.ts';

const vaultOf = (byte: number) =>
  new CredentialVault(new Keyring([Buffer.alloc(48, byte).toString('base64url')], 'github-credential'));
const TOKENS = { accessToken: 'gho_of_mona', refreshToken: null, expiresAt: null, refreshExpiresAt: null };

it('what cannot be opened is forgotten, but not what its person replaced meanwhile', async () => {
  const store = await openStore({ kind: 'sqlite', path: ':memory:' });
  const [lost, vault] = [vaultOf(1), vaultOf(2)];
  const put = async (userId: string, sealer: CredentialVault) =>
    store.credentials.put({ userId, ...(await sealer.seal(userId, TOKENS)), expiresAt: null, now: 0 });
  for (const userId of ['1', '2']) {
    await store.users.upsert({ id: userId, login: `user-${userId}`, name: null, avatarUrl: null, now: 0 });
    await put(userId, lost);
  }
  const signsInMeanwhile = override(vault, {
    open: async (userId, sealed) => {
      if (userId === '2') await put(userId, vault);
      return vault.open(userId, sealed);
    },
  });
  assert.equal(await forgetUnreadable({ store, vault: signsInMeanwhile }), 1);
  assert.equal(await store.credentials.find('1'), null);
  assert.equal((await store.credentials.find('2'))?.keyId, vault.keyId);
  await store.close();
});
