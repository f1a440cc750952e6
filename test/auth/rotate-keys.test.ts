/** `npm run rotate-keys` as an operator runs it: beside a gateway on PostgreSQL, killed and begun again, until the old key can go. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { CredentialVault } from '../../src/auth/credential-vault.ts';
import { Keyring } from '../../src/auth/keyring.ts';
import { type StandIn, startStandIn } from '../../src/demo/stand-in.ts';
import { openStore, ownDatabase } from '../../src/store/open-store.ts';
import type { Store } from '../../src/store/store.ts';
import { runCommand, startCommand } from '../support/command.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import type { Browser } from '../support/http-browser.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';
import { until } from '../turns/support/turns.ts';

const key = (byte: number) => Buffer.alloc(48, byte).toString('base64url');
const [OLD, NEW] = [key(1), key(2)];
const SESSION_SECRETS = key(9);
/** Enough that a kill finds it at work. */
const OTHERS = 1_500;

const vaultOf = (secret: string) => new CredentialVault(new Keyring([secret], 'github-credential'));

describe('npm run rotate-keys on PostgreSQL', { timeout: 120_000 }, () => {
  const opened = new AsyncDisposableStack();
  let server: PostgresServer;
  let standIn: StandIn;
  let store: Store;
  let env: Record<string, string>;

  before(async () => {
    server = opened.adopt(await startPostgres(), (it) => it.close());
    standIn = opened.adopt(await startStandIn(), (it) => it.close());
    env = { DATABASE_URL: await server.createDatabase(), SESSION_SECRETS };
    store = opened.adopt(await openStore({ kind: 'postgres', url: env.DATABASE_URL ?? '' }), (it) => it.close());
  });
  after(() => opened.disposeAsync());

  const gatewayWith = (keys: string) =>
    startTestGateway({ sharedStandIn: standIn, env: { ...env, CREDENTIAL_KEYS: keys } });
  const rotate = (t: TestGateway, ...args: string[]) =>
    runCommand('rotate-keys', args, { ...t.env, CREDENTIAL_KEYS: `${NEW},${OLD}` });
  const onOld = async (limit = OTHERS + 10) =>
    (await store.credentials.sealedWithOther(vaultOf(NEW).keyId, null, limit)).length;
  const chats = async (browser: Browser) => {
    const { status, body } = await browser.post('/api/chat', { message: '[[say:here]]' });
    assert.equal(status, 200);
    assert.equal(body.content, 'here');
  };

  it('re-encrypts beside a gateway, goes on where it was killed, and then the old key can go', async () => {
    const t = await gatewayWith(`${OLD},${NEW}`);
    const mona = await t.signIn('mona');
    await chats(mona);
    await addOthers(store);
    const total = await onOld();
    assert.equal(total, OTHERS + 1);

    const killed = startCommand('rotate-keys', [], { ...t.env, CREDENTIAL_KEYS: `${NEW},${OLD}` });
    await until('it is at work', async () => (await onOld()) < total);
    killed.process.kill('SIGKILL');
    await killed.ended;
    const left = await onOld();
    assert.ok(left > 0, 'it was through before it was killed');
    const check = await rotate(t, '--check');
    assert.deepEqual([check.code, check.out], [1, `Left on an older key: ${left}\n`]);

    const done = await rotate(t);
    assert.equal(done.err, '');
    assert.match(
      done.out,
      new RegExp(`^Re-encrypted: ${left}\nCannot be opened: 0\nLeft on an older key: 0\nOlder keys`),
    );
    assert.equal(done.code, 0);
    assert.match((await rotate(t)).out, /^Re-encrypted: 0\n/);
    await chats(mona);
    await t.close();

    const after = await gatewayWith(NEW);
    const stays = after.browser();
    for (const [name, value] of mona.cookies) stays.cookies.set(name, value);
    assert.equal((await stays.get('/api/me')).body.login, 'mona');
    await chats(stays);
    await after.close();
  });

  it('says what cannot be opened, and forgets it when it is told to', async () => {
    const t = await gatewayWith(`${NEW},${OLD}`);
    const { userId, ...sealed } = { userId: '9001', ...(await vaultOf(key(7)).seal('another', tokens('x'))) };
    await store.users.upsert({ id: userId, login: 'lost', name: null, avatarUrl: null, now: 0 });
    await store.credentials.put({ userId, ...sealed, expiresAt: null, now: 0 });
    const told = await rotate(t);
    assert.equal(told.code, 1);
    assert.match(told.out, /Cannot be opened: 1\n(?:.*\n)*Left on an older key: 1\n$/);
    assert.doesNotMatch(told.out + told.err, /9001/);
    const forgotten = await rotate(t, '--forget-unreadable');
    assert.match(forgotten.out, /Forgotten: 1\nLeft on an older key: 0\n/);
    assert.equal(forgotten.code, 0);
    assert.equal(await store.credentials.find(userId), null);
    await t.close();
  });
});

describe('npm run rotate-keys on SQLite', () => {
  it('leaves a running gateway its database, and says so', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'pilothouse-rotate-'));
    const owner = ownDatabase({ kind: 'sqlite', path: join(dataDir, 'gateway.db') });
    try {
      const env = { DATA_DIR: dataDir, GITHUB_CLIENT_ID: 'x', GITHUB_CLIENT_SECRET: 'x' };
      const { code, err } = await runCommand('rotate-keys', [], env);
      assert.equal(code, 1);
      assert.match(err, /Another process runs on/);
    } finally {
      owner[Symbol.dispose]();
      await rm(dataDir, { recursive: true, force: true });
    }
  });
});

const tokens = (accessToken: string) => ({ accessToken, refreshToken: null, expiresAt: null, refreshExpiresAt: null });

async function addOthers(store: Store): Promise<void> {
  const vault = vaultOf(OLD);
  const ids = Array.from({ length: OTHERS }, (_, index) => String(100_000 + index));
  for (let at = 0; at < ids.length; at += 50) {
    await Promise.all(
      ids.slice(at, at + 50).map(async (userId) => {
        await store.users.upsert({ id: userId, login: `other-${userId}`, name: null, avatarUrl: null, now: 0 });
        const sealed = await vault.seal(userId, tokens(`gho_of_${userId}`));
        await store.credentials.put({ userId, ...sealed, expiresAt: null, now: 0 });
      }),
    );
  }
}
