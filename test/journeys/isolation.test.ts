/** What is another person's is not there: every route of the running app that takes an id, with someone else's. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import type { Browser } from '../support/http-browser.ts';

interface Operation {
  method: string;
  path: string;
}

/** Bodies that would be fine on one's own. */
const BODIES: Record<string, unknown> = {
  'PATCH /api/chats/{chatId}': { title: 'mine now' },
  'POST /api/chats/{chatId}/messages': { content: 'let me in' },
  'POST /api/chats/{chatId}/regenerate': {},
  'POST /api/chats/{chatId}/fork': {},
  'POST /api/chats/{chatId}/messages/{messageId}/edit': { content: 'let me in' },
};

describe("Another person's things", () => {
  let t: TestGateway;
  let mona: Browser;
  let mallory: Browser;
  let ids: Record<string, string>;
  let operations: Operation[];

  before(async () => {
    t = await startTestGateway();
    [mona, mallory] = await Promise.all([t.signIn('mona'), t.signIn('hubot')]);
    const chat = (await mona.post('/api/chats', { title: 'private' })).body;
    const { body } = await mona.post(`/api/chats/${chat.id}/messages`, { content: 'my secret is tangerine' });
    const [session] = (await mona.get('/api/me/sessions')).body.items;
    ids = { chatId: chat.id, turnId: body.turn.id, messageId: body.message.id, sessionId: session.id, id: session.id };
    const document = (await mona.get('/openapi.json')).body as { paths: Record<string, Record<string, unknown>> };
    operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path })),
    );
  });
  after(() => t.close());

  it('are not found, on every route that takes an id', async () => {
    const withIds = operations.filter(({ path }) => path.startsWith('/api/') && path.includes('{'));
    assert.ok(withIds.length >= 9, `only ${withIds.length} routes with ids found`);
    for (const { method, path } of withIds) {
      const target = path.replace(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? 'unknown');
      const answer = await mallory.call(method, target, BODIES[`${method} ${path}`]);
      assert.equal(answer.status, 404, `${method} ${path} answered ${answer.status}: ${answer.text}`);
      assert.equal(answer.body.code, 'not_found');
      assert.doesNotMatch(answer.text, /tangerine|private/);
    }
    const chat = (await mona.get(`/api/chats/${ids.chatId}`)).body;
    assert.equal(chat.title, 'private');
    assert.equal((await mona.get(`/api/chats/${ids.chatId}/messages`)).body.items.length, 2);
  });

  it('do not show in lists, searches or exports', async () => {
    for (const path of [
      '/api/chats',
      '/api/chats?q=tangerine',
      '/api/chats?q=private',
      '/api/search?q=tangerine',
      '/api/search?q=private',
      '/api/me/export',
      '/api/usage',
    ]) {
      const answer = await mallory.get(path);
      assert.doesNotMatch(answer.text, /tangerine|"private"/, path);
      assert.ok(!answer.text.includes(ids.chatId ?? '-'), path);
    }
  });

  it('are closed to those who did not sign in, on every route', async () => {
    const nobody = t.browser();
    for (const { method, path } of operations) {
      if (!path.startsWith('/api/')) continue;
      const target = path.replace(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? 'unknown');
      const answer = await nobody.call(method, target, method === 'GET' || method === 'DELETE' ? undefined : {});
      assert.equal(answer.status, 401, `${method} ${path} answered ${answer.status}`);
      assert.equal(answer.body.code, 'unauthenticated');
    }
  });
});
