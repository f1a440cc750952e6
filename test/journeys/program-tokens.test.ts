/** A token's life, as its person sees it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startTestGateway } from '../support/gateway.ts';
import { type MadeToken, makeToken } from '../support/programs.ts';

describe('a token', () => {
  it('dies with its person: signed out everywhere, or erased', async () => {
    const gateway = await startTestGateway();
    try {
      const works = async ({ token }: MadeToken) =>
        (await gateway.browser().get('/api/me', { authorization: `Bearer ${token}` })).status;
      const mona = await gateway.signIn('mona');
      const first = await makeToken(mona);
      assert.equal(await works(first), 200);
      assert.ok((await mona.delete('/api/me/sessions')).status < 300);
      assert.equal(await works(first), 401);

      const again = await gateway.signIn('mona');
      const second = await makeToken(again);
      assert.equal(await works(second), 200);
      assert.ok((await again.delete('/api/me')).status < 300);
      assert.equal(await works(second), 401);
    } finally {
      await gateway.close();
    }
  });

  it('is shown once, listed without its secret, noted when used, and can be checked by its public key', async () => {
    const gateway = await startTestGateway();
    try {
      const mona = await gateway.signIn('mona');
      const made = await mona.post('/api/tokens', { name: ' ci ', expiresInDays: 1, scopes: ['account:read'] });
      assert.equal(made.status, 201);
      assert.equal(made.headers.get('cache-control'), 'no-store');
      const { token, ...shown } = made.body;
      assert.deepEqual([shown.name, shown.scopes, shown.lastUsedAt], ['ci', ['account:read'], null]);
      assert.deepEqual((await mona.get('/api/tokens')).body.items, [shown]);
      await gateway.browser().get('/api/me', { authorization: `Bearer ${token}` });
      const [used] = (await mona.get('/api/tokens')).body.items;
      assert.match(used.lastUsedAt, /^\d{4}-/);
      const jwks = await gateway.browser().get('/.well-known/jwks.json');
      assert.equal(jwks.headers.get('cache-control'), 'public, max-age=300');
      assert.deepEqual(Object.keys(jwks.body.keys[0]).includes('d'), false);
      assert.equal(gateway.logLines.join('').includes(token), false);
      assert.equal(gateway.logLines.join('').includes(token.split('.')[2]), false);
    } finally {
      await gateway.close();
    }
  });

  it('is not made from what is no sensible wish', async () => {
    const gateway = await startTestGateway();
    try {
      const mona = await gateway.signIn('mona');
      const good = { name: 'x', expiresInDays: 1, scopes: ['chats:read'] };
      for (const bad of [
        { name: ' ' },
        { name: 'x'.repeat(101) },
        { expiresInDays: 0 },
        { expiresInDays: 366 },
        { expiresInDays: 1.5 },
        { expiresInDays: '1' },
        { scopes: [] },
        { scopes: ['admin'] },
        { admin: true },
      ]) {
        assert.equal((await mona.post('/api/tokens', { ...good, ...bad })).status, 400, JSON.stringify(bad));
      }
      assert.equal((await mona.post('/api/tokens', good)).status, 201);
    } finally {
      await gateway.close();
    }
  });
});
