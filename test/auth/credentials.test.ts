import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { startStandIn } from '../../src/demo/stand-in.ts';
import { GatewayError } from '../../src/errors.ts';
import type { Store } from '../../src/store/store.ts';
import { type AuthApp, openAuthApp } from '../support/auth-app.ts';
import { override, watch } from '../support/auth-doubles.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;
const never = new AbortController().signal;
const coded = (code: string) => (error: unknown) => error instanceof GatewayError && error.code === code;

function refreshes({ standIn }: AuthApp): number {
  // One exchange was the sign-in.
  return standIn.requests.filter(({ path }) => path === '/login/oauth/access_token').length - 1;
}

async function tokenOf({ auth }: AuthApp, userId = '1001'): Promise<string> {
  const { credential } = await auth.credentials.runtimeUser(userId, never);
  assert.equal(credential.kind, 'github');
  return credential.kind === 'github' ? credential.token : '';
}

async function signedIn(options: Parameters<typeof openAuthApp>[0] = {}): Promise<AuthApp> {
  const gateway = await openAuthApp(options);
  assert.equal((await gateway.browser().signIn('mona')).statusCode, 302);
  return gateway;
}

describe('the credential of a user', () => {
  it('is their own token, sealed in the database', async () => {
    await using gateway = await signedIn();
    const token = await tokenOf(gateway);
    assert.ok(gateway.standIn.isTokenLive(token));
    const record = await gateway.store.credentials.find('1001');
    assert.ok(record !== null && !JSON.stringify(record).includes(token));
    assert.match(record.sealed, /^eyJ/);
  });

  it('does not exist for strangers', async () => {
    await using gateway = await signedIn();
    await assert.rejects(gateway.auth.credentials.runtimeUser('777', never), coded('reauth_required'));
  });

  it('is out of use once GitHub refused it, until the next sign-in', async () => {
    await using gateway = await signedIn();
    const user = await gateway.auth.credentials.runtimeUser('1001', never);
    await gateway.auth.credentials.rejected(user);
    await assert.rejects(gateway.auth.credentials.runtimeUser('1001', never), coded('reauth_required'));
    await gateway.browser().signIn('mona');
    assert.ok(gateway.standIn.isTokenLive(await tokenOf(gateway)));
    // A turn that began with the old token reports it late: the new one is not blamed.
    await gateway.auth.credentials.rejected(user);
    assert.ok(gateway.standIn.isTokenLive(await tokenOf(gateway)));
  });

  it('is withheld from a blocked person at once', async () => {
    await using gateway = await signedIn();
    await tokenOf(gateway);
    await gateway.store.users.setBlocked('1001', gateway.now());
    await assert.rejects(gateway.auth.credentials.runtimeUser('1001', never), coded('account_blocked'));
  });

  it('copied into another person’s row does not open there (D11)', async () => {
    await using gateway = await signedIn();
    await gateway.browser().signIn('hubot');
    const mona = await gateway.store.credentials.find('1001');
    const hubot = await gateway.store.credentials.find('1002');
    assert.ok(mona !== null && hubot !== null);
    await gateway.store.credentials.put({ ...mona, userId: '1002', now: gateway.now() });
    await assert.rejects(gateway.auth.credentials.runtimeUser('1002', never), coded('reauth_required'));
    assert.ok(gateway.log.some((line) => line.includes('wrong_owner')));
    await gateway.store.credentials.put({ ...hubot, sealed: `${hubot.sealed.slice(0, -4)}AAAA`, now: gateway.now() });
    await assert.rejects(gateway.auth.credentials.runtimeUser('1002', never), coded('reauth_required'));
  });

  it('is the operator’s where the operator pays, and none at all with an own provider', async () => {
    await using service = await signedIn({ env: { COPILOT_AUTH: 'service', COPILOT_GITHUB_TOKEN: 'gho_service' } });
    const user = await service.auth.credentials.runtimeUser('1001', never);
    assert.deepEqual(user, { userId: '1001', credential: { kind: 'service', token: 'gho_service' } });
    const provider = { PROVIDER_BASE_URL: 'https://models.example', PROVIDER_MODELS: 'm' };
    await using byok = await signedIn({ env: { COPILOT_AUTH: 'byok', ...provider } });
    assert.deepEqual((await byok.auth.credentials.runtimeUser('1001', never)).credential, { kind: 'byok' });
    await byok.store.users.setBlocked('1001', byok.now());
    await assert.rejects(byok.auth.credentials.runtimeUser('1001', never), coded('account_blocked'));
  });
});

describe('an expiring token', () => {
  const standIn = { tokens: 'expiring' } as const;

  it('is used as it is while it lasts', async () => {
    await using gateway = await signedIn({ standIn });
    const token = await tokenOf(gateway);
    gateway.advance(7 * HOUR + 54 * MINUTE);
    assert.equal(await tokenOf(gateway), token);
    assert.equal(refreshes(gateway), 0);
  });

  it('is renewed once for all who ask at the same time', async () => {
    await using gateway = await signedIn({ standIn });
    const old = await gateway.auth.credentials.runtimeUser('1001', never);
    gateway.advance(7 * HOUR + 56 * MINUTE);
    const users = await Promise.all(
      Array.from({ length: 20 }, () => gateway.auth.credentials.runtimeUser('1001', never)),
    );
    assert.equal(refreshes(gateway), 1);
    const [first] = users;
    assert.ok(first?.credential.kind === 'github' && old.credential.kind === 'github');
    for (const user of users) assert.deepEqual(user, first);
    assert.notEqual(first.credential.token, old.credential.token);
    assert.notEqual(first.credential.version, old.credential.version);
    assert.ok(gateway.standIn.isTokenLive(first.credential.token));
    // And again, with the refresh token that came with it.
    gateway.advance(8 * HOUR);
    await tokenOf(gateway);
    assert.equal(refreshes(gateway), 2);
  });

  it('is renewed for the others when the one who asked first goes away', async () => {
    await using gateway = await signedIn({ standIn });
    gateway.advance(8 * HOUR);
    const leaving = new AbortController();
    const first = gateway.auth.credentials.runtimeUser('1001', leaving.signal);
    const second = gateway.auth.credentials.runtimeUser('1001', never);
    leaving.abort(new Error('gone'));
    await assert.rejects(first, /gone/);
    const { credential } = await second;
    assert.ok(credential.kind === 'github' && gateway.standIn.isTokenLive(credential.token));
    assert.equal(refreshes(gateway), 1);
  });

  it('goes on while it is good when GitHub cannot be reached, and is an outage after that', async () => {
    await using gateway = await signedIn({ standIn });
    const token = await tokenOf(gateway);
    gateway.standIn.setGitHubFault({ down: true });
    gateway.advance(7 * HOUR + 56 * MINUTE);
    assert.equal(await tokenOf(gateway), token);
    gateway.advance(5 * MINUTE);
    await assert.rejects(gateway.auth.credentials.runtimeUser('1001', never), coded('github_unavailable'));
    gateway.standIn.setGitHubFault({ status: 503 });
    await assert.rejects(gateway.auth.credentials.runtimeUser('1001', never), coded('github_unavailable'));
    gateway.standIn.setGitHubFault(null);
    assert.notEqual(await tokenOf(gateway), token);
  });

  it('whose refresh token is dead needs a new sign-in, and only that', async () => {
    await using gateway = await signedIn({ standIn });
    gateway.standIn.revokeAllTokens('mona');
    gateway.advance(7 * HOUR + 56 * MINUTE);
    await assert.rejects(gateway.auth.credentials.runtimeUser('1001', never), coded('reauth_required'));
    const count = refreshes(gateway);
    await assert.rejects(gateway.auth.credentials.runtimeUser('1001', never), coded('reauth_required'));
    assert.equal(refreshes(gateway), count);
    await gateway.browser().signIn('mona');
    assert.ok(gateway.standIn.isTokenLive(await tokenOf(gateway)));
  });

  it('is not lost when the database fails right after GitHub renewed it', async () => {
    let failing = 1;
    const wrapStore = (store: Store) => ({
      ...store,
      credentials: override(store.credentials, {
        replace: async (record) => {
          failing -= 1;
          if (failing >= 0) throw new GatewayError('store_unavailable', 'no');
          return store.credentials.replace(record);
        },
      }),
    });
    await using gateway = await signedIn({ standIn, wrapStore });
    gateway.advance(8 * HOUR);
    await assert.rejects(gateway.auth.credentials.runtimeUser('1001', never), coded('store_unavailable'));
    assert.ok(gateway.standIn.isTokenLive(await tokenOf(gateway)));
    assert.equal(refreshes(gateway), 1);
  });

  it('gives way to a new sign-in that happens while it is renewed', async () => {
    const gateway: AuthApp = await signedIn({
      standIn,
      wrapStore: (store) => ({
        ...store,
        credentials: override(store.credentials, {
          replace: async (record) => {
            await gateway.browser().signIn('mona');
            return store.credentials.replace(record);
          },
        }),
      }),
    });
    await using _closing = gateway;
    // The stand-in's new sign-in leaves the renewed token alive: the stored one must be the one in use all the same.
    gateway.advance(7 * HOUR + 56 * MINUTE);
    const token = await tokenOf(gateway);
    assert.ok(gateway.standIn.isTokenLive(token));
    assert.equal(await tokenOf(gateway), token);
  });

  it('signs nobody out because the operator mistyped the client secret', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'pilothouse-auth-'));
    const shared = await startStandIn(standIn);
    try {
      await (await signedIn({ dataDir, standIn: shared }))[Symbol.asyncDispose]();
      await using gateway = await openAuthApp({ dataDir, standIn: shared, env: { GITHUB_CLIENT_SECRET: 'mistyped' } });
      gateway.advance(8 * HOUR);
      await assert.rejects(gateway.auth.credentials.runtimeUser('1001', never), coded('github_unavailable'));
      assert.equal((await gateway.store.credentials.find('1001'))?.rejectedAt, null);
      assert.ok(gateway.log.some((line) => line.includes('incorrect_client_credentials')));
    } finally {
      await shared.close();
      await rm(dataDir, { recursive: true });
    }
  });
});

describe('CREDENTIAL_KEYS', () => {
  const key = (byte: number) => Buffer.alloc(48, byte).toString('base64url');

  it('can be replaced: old keys read, new ones write, and what is left is sealed anew', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'pilothouse-auth-'));
    const standIn = await startStandIn();
    const open = (keys: string[]) => openAuthApp({ dataDir, standIn, env: { CREDENTIAL_KEYS: keys.join(',') } });
    try {
      let token = '';
      {
        await using gateway = await open([key(1)]);
        for (const login of ['mona', 'hubot', 'octavia']) await gateway.browser().signIn(login);
        token = await tokenOf(gateway);
      }
      await assert.rejects(open([key(2)]), /sealed with key \S+, which CREDENTIAL_KEYS/);
      {
        await using gateway = await open([key(2), key(1)]);
        assert.equal(await tokenOf(gateway), token);
        // Stopped in the middle, begun again.
        const stop = new AbortController();
        const ends = gateway.auth.reencryptAll(stop.signal);
        stop.abort(new Error('stopped'));
        await assert.rejects(ends, /stopped/);
        const { resealed, unreadable } = await gateway.auth.reencryptAll(never);
        assert.ok(resealed > 0);
        assert.equal(unreadable, 0);
        assert.deepEqual(await gateway.auth.reencryptAll(never), { resealed: 0, unreadable: 0 });
        assert.equal(await tokenOf(gateway), token);
      }
      await using gateway = await open([key(2)]);
      for (const userId of ['1001', '1002', '1003']) assert.ok(standIn.isTokenLive(await tokenOf(gateway, userId)));
      assert.equal(await tokenOf(gateway), token);
    } finally {
      await standIn.close();
      await rm(dataDir, { recursive: true });
    }
  });

  it('are not asked for twice in a row: a warm turn decrypts nothing', async () => {
    const calls: string[] = [];
    await using gateway = await signedIn({
      wrapStore: (store) => ({ ...store, credentials: watch(store.credentials, calls) }),
    });
    await tokenOf(gateway);
    const decrypt = crypto.subtle.decrypt;
    let decrypted = 0;
    crypto.subtle.decrypt = (...args) => {
      decrypted += 1;
      return decrypt.apply(crypto.subtle, args);
    };
    try {
      calls.length = 0;
      for (let turn = 0; turn < 3; turn += 1) await tokenOf(gateway);
      assert.equal(decrypted, 0);
      assert.deepEqual(calls, ['find', 'find', 'find']);
      gateway.advance(11 * MINUTE);
      await tokenOf(gateway);
      assert.equal(decrypted, 1);
    } finally {
      crypto.subtle.decrypt = decrypt;
    }
  });
});
