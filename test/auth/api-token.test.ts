import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { base64url, generateKeyPair, type JWK, SignJWT } from 'jose';
import type { ApiTokenKeys } from '../../src/auth/api-token-keys.ts';
import type { ApiTokens } from '../../src/auth/api-tokens.ts';
import { GatewayError } from '../../src/errors.ts';
import type { Scope } from '../../src/principal.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { Store } from '../../src/store/store.ts';
import { ISSUER, instance } from '../support/api-token-room.ts';

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
