import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { base64url, generateKeyPair, type JWK, SignJWT } from 'jose';
import { openPrivateKey, SIGNING_KEY_PURPOSE } from '../../src/auth/api-token-key-seal.ts';
import { ApiTokenKeys } from '../../src/auth/api-token-keys.ts';
import { ApiTokens } from '../../src/auth/api-tokens.ts';
import type { AuthLogger } from '../../src/auth/auth-logger.ts';
import { Keyring } from '../../src/auth/keyring.ts';
import { GatewayError } from '../../src/errors.ts';
import type { Scope } from '../../src/principal.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { Store } from '../../src/store/store.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';

const DAY = 86_400_000;
const ISSUER = 'https://gateway.example';
const SECRET = Buffer.alloc(32, 7).toString('base64url');
const OTHER_SECRET = Buffer.alloc(32, 8).toString('base64url');
const SILENT: AuthLogger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** An instance of the room over a store that others may share. */
function instance(store: Store, clock: () => number, secrets: string[] = [SECRET]) {
  const ring = new Keyring(secrets, SIGNING_KEY_PURPOSE);
  const keys = new ApiTokenKeys({ store, ring, logger: SILENT, clock });
  return { ring, keys, tokens: new ApiTokens({ keys, store, issuer: ISSUER, logger: SILENT, clock }) };
}

describe('API tokens', () => {
  let store: Store;
  let now = Date.UTC(2026, 0, 1, 12, 0, 0, 345);
  const clock = () => now;
  const wanted = { userId: '1001', name: 'ci', expiresInDays: 30, scopes: ['chats:read'] as Scope[] };

  before(async () => {
    store = await openStore({ kind: 'sqlite', path: ':memory:' });
    await store.users.upsert({ id: '1001', login: 'mona', name: null, avatarUrl: null, now });
    await store.users.upsert({ id: '1002', login: 'hubot', name: null, avatarUrl: null, now });
  });
  after(() => store.close());

  it('are accepted with the scopes they were made with, and stored without the secret', async () => {
    const { tokens } = instance(store, clock);
    const { token, record } = await tokens.issue(wanted);
    const found = await tokens.verify(token);
    assert.deepEqual(
      { userId: found?.userId, login: found?.login, proof: found?.proof },
      { userId: '1001', login: 'mona', proof: { kind: 'token', tokenId: record.id, scopes: ['chats:read'] } },
    );
    const stored = JSON.stringify([await store.apiTokens.list('1001', { limit: 10 }), await store.signingKeys.list()]);
    assert.equal(stored.includes(token.split('.')[2] ?? token), false);
  });

  it('end at the moment the list says', async () => {
    const { tokens } = instance(store, clock);
    const { token, record } = await tokens.issue(wanted);
    const [, payload = ''] = token.split('.');
    const { exp } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { exp: number };
    assert.equal(exp * 1000, record.expiresAt);
    const at = (moment: number) => instance(store, () => moment).tokens.verify(token);
    assert.notEqual(await at(record.expiresAt - 1_000), null);
    assert.equal(await at(record.expiresAt), null);
  });

  it('made on one instance are accepted on another at once', async () => {
    const [one, two] = [instance(store, clock), instance(store, clock)];
    await two.keys.publicKeys();
    const { token } = await one.tokens.issue(wanted);
    assert.equal((await two.tokens.verify(token))?.userId, '1001');
  });

  it('deleted, or of a blocked or signed-out person, are refused everywhere at the next request', async () => {
    const [one, two] = [instance(store, clock), instance(store, clock)];
    const first = await one.tokens.issue(wanted);
    assert.notEqual(await two.tokens.verify(first.token), null);
    await store.apiTokens.delete('1001', first.record.id);
    assert.equal(await two.tokens.verify(first.token), null);

    const second = await one.tokens.issue({ ...wanted, userId: '1002' });
    await store.users.setBlocked('1002', now);
    assert.equal(await two.tokens.verify(second.token), null);
    await store.users.setBlocked('1002', null);
    assert.notEqual(await two.tokens.verify(second.token), null);
    now += 1_000;
    await store.users.revokeAll('1002', now);
    assert.equal(await two.tokens.verify(second.token), null);
  });

  it('note their last use, but not on every request', async () => {
    const { tokens } = instance(store, clock);
    const { token, record } = await tokens.issue(wanted);
    const lastUsed = async () =>
      (await store.apiTokens.list('1001', { limit: 100 })).items.find(({ id }) => id === record.id)?.lastUsedAt;
    assert.equal(await lastUsed(), null);
    await tokens.verify(token);
    const first = now;
    assert.equal(await lastUsed(), first);
    now += 59_000;
    await tokens.verify(token);
    assert.equal(await lastUsed(), first);
    now += 2_000;
    await tokens.verify(token);
    assert.equal(await lastUsed(), now);
  });

  it('are at most fifty of one person, however many are asked for at once', async () => {
    await store.users.upsert({ id: '1003', login: 'octavia', name: null, avatarUrl: null, now });
    const { tokens } = instance(store, clock);
    const made = await Promise.allSettled(
      Array.from({ length: 60 }, () => tokens.issue({ ...wanted, userId: '1003' })),
    );
    const refused = made.filter((outcome) => outcome.status === 'rejected');
    assert.equal(made.length - refused.length, 50);
    assert.ok(refused.every(({ reason }) => reason instanceof GatewayError && reason.code === 'conflict'));
  });
});

describe('forged API tokens', () => {
  let store: Store;
  const now = Date.UTC(2026, 0, 1);
  const clock = () => now;
  let good: { id: string; kid: string; token: string; key: Awaited<ReturnType<ApiTokenKeys['signer']>>['key'] };
  let tokens: ApiTokens;

  before(async () => {
    store = await openStore({ kind: 'sqlite', path: ':memory:' });
    await store.users.upsert({ id: '1001', login: 'mona', name: null, avatarUrl: null, now });
    await store.users.upsert({ id: '1002', login: 'hubot', name: null, avatarUrl: null, now });
    const room = instance(store, clock);
    tokens = room.tokens;
    const issued = await tokens.issue({ userId: '1001', name: 'x', expiresInDays: 1, scopes: ['chats:read'] });
    const signer = await room.keys.signer();
    good = { id: issued.record.id, kid: signer.kid, token: issued.token, key: signer.key };
  });
  after(() => store.close());

  const seconds = Math.floor(now / 1000);
  const claims = () => ({
    iss: ISSUER,
    aud: 'urn:pilothouse:api',
    sub: '1001',
    jti: good.id,
    iat: seconds,
    exp: seconds + 3_600,
    scope: 'chats:read',
  });
  const header = () => ({ alg: 'EdDSA', typ: 'pilothouse-at+jwt', kid: good.kid });
  const sign = (changedClaims: object = {}, changedHeader: object = {}) =>
    new SignJWT({ ...claims(), ...changedClaims }).setProtectedHeader({ ...header(), ...changedHeader }).sign(good.key);

  it('are told from a good one made the same way', async () => {
    assert.notEqual(await tokens.verify(await sign()), null);
    assert.notEqual(await tokens.verify(good.token), null);
  });

  for (const [what, changedClaims, changedHeader] of [
    ['without an end', { exp: undefined }, {}],
    ['that has ended', { exp: seconds - 1 }, {}],
    ['without an id', { jti: undefined }, {}],
    ['with an id nobody issued', { jti: '01900000-0000-7000-8000-000000000000' }, {}],
    ['without a subject', { sub: undefined }, {}],
    ["with another person's id", { sub: '1002' }, {}],
    ['without a scope', { scope: undefined }, {}],
    ['without an issuer', { iss: undefined }, {}],
    ['of another gateway', { iss: 'https://other.example' }, {}],
    ['for another audience', { aud: 'urn:other:api' }, {}],
    ['without an audience', { aud: undefined }, {}],
    ['of another type', {}, { typ: 'JWT' }],
    ['without a type', {}, { typ: undefined }],
    ['that names no key', {}, { kid: undefined }],
    ['that names an unknown key', {}, { kid: 'nobody' }],
  ] as const) {
    it(`are refused: one ${what}`, async () => {
      assert.equal(await tokens.verify(await sign(changedClaims, changedHeader)), null);
    });
  }

  it('are refused: signed by another key, by none, or with the public key as a shared secret', async () => {
    const other = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
    const foreign = await new SignJWT(claims()).setProtectedHeader(header()).sign(other.privateKey);
    const [, payload = ''] = good.token.split('.');
    const none = `${base64url.encode(JSON.stringify({ ...header(), alg: 'none' }))}.${payload}.`;
    const [record] = await store.signingKeys.list();
    const x = (JSON.parse(record?.publicJwk ?? '{}') as JWK).x ?? '';
    const confused = await new SignJWT(claims())
      .setProtectedHeader({ ...header(), alg: 'HS256' })
      .sign(base64url.decode(x));
    for (const token of [foreign, none, confused]) assert.equal(await tokens.verify(token), null);
  });

  it('are refused: cut, changed, or not a token at all', async () => {
    const [head = '', payload = '', signature = ''] = good.token.split('.');
    const richer = base64url.encode(JSON.stringify({ ...claims(), scope: 'chats:read chats:write' }));
    for (const token of [
      '',
      '.',
      '..',
      'abc',
      `${head}.${payload}`,
      `${head}.${richer}.${signature}`,
      `${good.token}x`,
      `${good.token}.${signature}`,
    ])
      assert.equal(await tokens.verify(token), null, token);
  });

  it('cannot claim a scope that the stored token has not', async () => {
    const found = await tokens.verify(await sign({ scope: 'chats:read chats:write account:read' }));
    assert.deepEqual(found?.proof.kind === 'token' ? found.proof.scopes : null, ['chats:read']);
  });

  it('are not refused when the store is away: that says nothing about a token', async () => {
    const away = new GatewayError('store_unavailable', 'away');
    const broken = { ...store, signingKeys: { ...store.signingKeys, list: () => Promise.reject(away) } } as Store;
    await assert.rejects(instance(broken, clock).tokens.verify(good.token), away);
  });
});

describe('signing keys', () => {
  it('follow each other, and a token outlives the time its key signed', async () => {
    await using disposable = await freshStore();
    const { store } = disposable;
    let now = Date.UTC(2026, 0, 1);
    const room = instance(store, () => now);
    const wanted = { userId: '1001', name: 'x', expiresInDays: 365, scopes: ['chats:read'] as Scope[] };
    now += 80 * DAY;
    const old = await room.tokens.issue(wanted);
    const first = (await room.keys.signer()).kid;
    now += 91 * DAY;
    const second = (await room.keys.signer()).kid;
    assert.notEqual(second, first);
    assert.notEqual(await room.tokens.verify(old.token), null);
    assert.deepEqual(
      (await room.keys.publicKeys()).map(({ kid }) => kid),
      [second, first],
    );
    now += 273 * DAY;
    assert.notEqual(await room.tokens.verify(old.token), null);
    now += 100 * DAY;
    const third = (await room.keys.signer()).kid;
    assert.deepEqual(
      (await store.signingKeys.list()).map(({ kid }) => kid),
      [third, second],
    );
  });

  it('are made once when several instances need the first one at the same time', async () => {
    await using disposable = await freshStore();
    const { store } = disposable;
    const rooms = Array.from({ length: 5 }, () => instance(store, Date.now));
    const kids = await Promise.all(rooms.map(async ({ keys }) => (await keys.signer()).kid));
    assert.equal(new Set(kids).size, 1);
    assert.equal((await store.signingKeys.list()).length, 1);
  });

  it('are replaced with the credential key; tokens that were made before stay good', async () => {
    await using disposable = await freshStore();
    const { store } = disposable;
    const before = instance(store, Date.now);
    const { token } = await before.tokens.issue({
      userId: '1001',
      name: 'x',
      expiresInDays: 1,
      scopes: ['chats:read'],
    });
    const rotated = instance(store, Date.now, [OTHER_SECRET, SECRET]);
    assert.notEqual((await rotated.keys.signer()).kid, (await before.keys.signer()).kid);
    assert.notEqual(await rotated.tokens.verify(token), null);
    const lost = instance(store, Date.now, [OTHER_SECRET]);
    assert.notEqual(await lost.tokens.verify(token), null);
  });

  it('are stored sealed: not in clear, for this one key, for this one purpose', async () => {
    await using disposable = await freshStore();
    const { store } = disposable;
    const { keys, ring } = instance(store, Date.now);
    await keys.signer();
    const [record] = await store.signingKeys.list();
    assert.ok(record);
    const { d } = await openPrivateKey(ring.current, record.kid, record.sealed);
    assert.equal(typeof d, 'string');
    assert.equal(JSON.stringify(record).includes(d ?? ''), false);
    assert.equal('d' in (JSON.parse(record.publicJwk) as object), false);
    await assert.rejects(openPrivateKey(ring.current, 'another', record.sealed));
    const otherPurpose = new Keyring([SECRET], 'github-credential');
    await assert.rejects(openPrivateKey(otherPurpose.current, record.kid, record.sealed));
  });
});

describe('API tokens of two instances on PostgreSQL', () => {
  let server: PostgresServer;
  let stores: Store[];
  before(async () => {
    server = await startPostgres();
    const url = await server.createDatabase();
    stores = [await openStore({ kind: 'postgres', url }), await openStore({ kind: 'postgres', url })];
    await stores[0]?.users.upsert({ id: '1001', login: 'mona', name: null, avatarUrl: null, now: 0 });
  });
  after(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await server.close();
  });

  it('share their keys, their bound, and every revocation', async () => {
    const rooms = stores.map((store) => instance(store, Date.now));
    const wanted = { userId: '1001', name: 'x', expiresInDays: 1, scopes: ['chats:read'] as Scope[] };
    const asked = Array.from({ length: 60 }, (_, index) => rooms[index % 2]?.tokens.issue(wanted));
    const made = (await Promise.allSettled(asked)).flatMap((outcome) =>
      outcome.status === 'fulfilled' && outcome.value ? [outcome.value] : [],
    );
    assert.equal(made.length, 50);
    assert.equal((await stores[0]?.signingKeys.list())?.length, 1);
    for (const [index, { token }] of made.entries()) {
      assert.equal((await rooms[(index + 1) % 2]?.tokens.verify(token))?.userId, '1001');
    }
    const [first] = made;
    assert.ok(first);
    await stores[0]?.apiTokens.delete('1001', first.record.id);
    assert.equal(await rooms[1]?.tokens.verify(first.token), null);
  });
});

async function freshStore(): Promise<{ store: Store } & AsyncDisposable> {
  const store = await openStore({ kind: 'sqlite', path: ':memory:' });
  await store.users.upsert({ id: '1001', login: 'mona', name: null, avatarUrl: null, now: 0 });
  return { store, [Symbol.asyncDispose]: () => store.close() };
}
