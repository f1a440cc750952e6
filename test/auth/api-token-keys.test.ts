import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openPrivateKey } from '../../src/auth/api-token-key-seal.ts';
import { Keyring } from '../../src/auth/keyring.ts';
import type { Scope } from '../../src/principal.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { Store } from '../../src/store/store.ts';
import { DAY, freshStore, instance, OTHER_SECRET, SECRET } from '../support/api-token-room.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';

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
