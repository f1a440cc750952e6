/**
 * `npm run rotate-keys -- [--check] [--forget-unreadable]`: seals every stored GitHub credential with the first of
 * `CREDENTIAL_KEYS` and says what is left on older ones. May be killed anywhere and run again, and runs beside gateways on
 * PostgreSQL. A running gateway does the same by itself, after its start and once a day; this says when it is done.
 */
import { parseArgs } from 'node:util';
import { forgetUnreadable, type Rotation, reencryptAll, sealedWithOlder } from '../src/auth/credential-rotation.ts';
import { CredentialVault } from '../src/auth/credential-vault.ts';
import { Keyring } from '../src/auth/keyring.ts';
import { loadSecrets } from '../src/auth/secrets.ts';
import { parseConfig } from '../src/config.ts';
import { openStore, ownDatabase } from '../src/store/open-store.ts';
import type { Store } from '../src/store/store.ts';
import { runCommand } from './command.ts';

/** Each unreadable one is told in the sum: their people's ids belong in no terminal. */
const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { check: { type: 'boolean', default: false }, 'forget-unreadable': { type: 'boolean', default: false } },
  });
  const { database, ...config } = parseConfig(process.env);
  using _owner = ownDatabase(database);
  const { credentialKeys } = await loadSecrets({ ...config, database }, SILENT);
  const vault = new CredentialVault(new Keyring(credentialKeys, 'github-credential'));
  const store = await openStore(database, { migrate: false });
  try {
    if (!values.check) tell(await reencryptAll({ store, vault, logger: SILENT, clock: Date.now }, untilStopped()));
    if (values['forget-unreadable']) console.log(`Forgotten: ${await forgetUnreadable({ store, vault })}`);
    const left = await countOlder(store, vault);
    console.log(`Left on an older key: ${left}`);
    if (left === 0) console.log('Older keys may be dropped from CREDENTIAL_KEYS.');
    else process.exitCode = 1;
  } finally {
    await store.close();
  }
}

function tell({ resealed, unreadable }: Rotation): void {
  console.log(`Re-encrypted: ${resealed}`);
  console.log(`Cannot be opened: ${unreadable}`);
  if (unreadable > 0)
    console.log(
      'Their key is missing or they are damaged. --forget-unreadable removes them: their people sign in again.',
    );
}

/** Ctrl-C and SIGTERM stop between two credentials. */
function untilStopped(): AbortSignal {
  const stop = new AbortController();
  const end = () => stop.abort(new Error('Stopped. What was re-encrypted stays so: run it again for the rest.'));
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  return stop.signal;
}

async function countOlder(store: Store, vault: CredentialVault): Promise<number> {
  let count = 0;
  for await (const _record of sealedWithOlder({ store, vault })) count += 1;
  return count;
}

await runCommand(main);
