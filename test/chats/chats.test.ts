/** Chats and messages as the contract says: shapes, lists, and what is refused. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import type { Browser } from '../support/http-browser.ts';
import { historyOf, newChat } from '../turns/support/turns.ts';

/** 1 × 1, transparent. */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';

let t: TestGateway;
let mona: Browser;

before(async () => {
  t = await startTestGateway({ env: { RATE_LIMIT_PER_MINUTE: '10000' } });
  mona = await t.signIn('mona');
});
after(() => t.close());

/** The problem of a refused request. */
async function refused(method: string, path: string, body?: unknown, status = 400): Promise<Record<string, unknown>> {
  const answer = await mona.call(method, path, body);
  assert.equal(answer.status, status, `${method} ${path} ${JSON.stringify(body)?.slice(0, 100)}: ${answer.text}`);
  assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/);
  return answer.body;
}

describe('A chat', { timeout: 60_000 }, () => {
  it('has its whole shape from the start, absent values as null', async () => {
    const answer = await mona.post('/api/chats', {});
    assert.equal(answer.status, 201);
    const { id, createdAt, updatedAt, ...rest } = answer.body;
    assert.deepEqual(rest, {
      sessionId: id,
      title: null,
      model: null,
      systemPrompt: null,
      pinned: false,
      archived: false,
    });
    assert.equal(new Date(createdAt).toISOString(), createdAt);
    assert.equal(createdAt, updatedAt);
    assert.equal(answer.headers.get('location'), `/api/chats/${id}`);
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    assert.deepEqual((await mona.get(`/api/chats/${id}`)).body, answer.body);
  });

  it('changes what it is told to and nothing else', async () => {
    const id = await newChat(mona, { title: 'before', systemPrompt: 'Speak like a pirate.' });
    const { updatedAt: _, ...before } = (await mona.get(`/api/chats/${id}`)).body;
    const answer = await mona.patch(`/api/chats/${id}`, { title: 'after', pinned: true });
    const { updatedAt: __, ...changed } = answer.body;
    assert.deepEqual(changed, { ...before, title: 'after', pinned: true });
  });

  it('tells the model its own system prompt after the operator’s', async () => {
    const id = await newChat(mona, { systemPrompt: 'Speak like a pirate.' });
    await mona.post(`/api/chats/${id}/messages`, { content: 'hello' });
    const messages = t.standIn.modelRequests.at(-1)?.messages ?? [];
    const [system] = messages as { role: string; content: string }[];
    assert.equal(system?.role, 'system');
    assert.match(system?.content ?? '', /friendly[\s\S]*Speak like a pirate\.$/);
  });

  it('refuses what it does not know, naming it', async () => {
    const id = await newChat(mona);
    assert.match(String((await refused('POST', '/api/chats', { tilte: 'x' })).detail), /tilte/);
    await refused('POST', '/api/chats', { title: '   ' });
    await refused('POST', '/api/chats', { title: 'x'.repeat(201) });
    await refused('POST', '/api/chats', { title: 7 });
    await refused('PATCH', `/api/chats/${id}`, {});
    await refused('PATCH', `/api/chats/${id}`, { pinned: 'yes' });
    await refused('PATCH', `/api/chats/${id}`, { id: 'mine' });
    const unknown = await refused('POST', '/api/chats', { model: 'gpt-nope' });
    assert.equal(unknown.code, 'model_unavailable');
    await refused('PATCH', `/api/chats/${id}`, { model: 'gpt-nope' });
    await refused('GET', '/api/chats/none-such', undefined, 404);
  });

  it('is gone when deleted, and stays gone', async () => {
    const id = await newChat(mona);
    assert.equal((await mona.delete(`/api/chats/${id}`)).status, 204);
    for (const [method, path, body] of [
      ['GET', '', undefined],
      ['DELETE', '', undefined],
      ['PATCH', '', { title: 'x' }],
      ['GET', '/messages', undefined],
      ['GET', '/export', undefined],
      ['POST', '/messages', { content: 'hi' }],
    ] as const) {
      await refused(method, `/api/chats/${id}${path}`, body, 404);
    }
  });
});

describe('Lists', { timeout: 60_000 }, () => {
  it('come page by page, none twice, none left out', async () => {
    const browser = await t.signIn('lovelace');
    const made = [];
    for (let count = 0; count < 7; count += 1) made.push(await newChat(browser, { title: `chat ${count}` }));
    const seen: string[] = [];
    let cursor = '';
    do {
      const page = (await browser.get(`/api/chats?limit=3${cursor && `&cursor=${cursor}`}`)).body;
      assert.ok(page.items.length <= 3);
      seen.push(...page.items.map(({ id }: { id: string }) => id));
      cursor = page.nextCursor ?? '';
    } while (cursor !== '');
    assert.deepEqual(seen, made.reverse(), 'newest activity first');
  });

  it('can be of pinned chats alone, or of the others', async () => {
    const browser = await t.signIn('hubot');
    const [kept, loose] = [await newChat(browser), await newChat(browser)];
    await browser.patch(`/api/chats/${kept}`, { pinned: true });
    const ids = async (query: string) =>
      (await browser.get(`/api/chats?${query}`)).body.items.map(({ id }: { id: string }) => id);
    assert.deepEqual(await ids('pinned=true'), [kept]);
    assert.deepEqual(await ids('pinned=false'), [loose]);
    assert.deepEqual(await ids('limit=2'), [kept, loose]);
    assert.deepEqual(await ids('pinned=true&archived=true'), []);
  });

  it('come oldest first or newest first for messages', async () => {
    const id = await newChat(mona);
    for (const content of ['one', 'two']) await mona.post(`/api/chats/${id}/messages`, { content });
    const asc = await historyOf(mona, id);
    const desc = (await mona.get(`/api/chats/${id}/messages?order=desc`)).body.items;
    assert.equal(asc.length, 4);
    assert.deepEqual(desc, asc.toReversed());
    const first = (await mona.get(`/api/chats/${id}/messages?limit=3`)).body;
    const rest = (await mona.get(`/api/chats/${id}/messages?limit=3&cursor=${first.nextCursor}`)).body;
    assert.deepEqual([...first.items, ...rest.items], asc);
    assert.equal(rest.nextCursor, null);
  });

  it('begin with any message of a chat, in either order, and go on from there', async () => {
    const [id, other] = [await newChat(mona), await newChat(mona)];
    for (const content of ['one', 'two', 'three']) await mona.post(`/api/chats/${id}/messages`, { content });
    await mona.post(`/api/chats/${other}/messages`, { content: 'elsewhere' });
    const all = await historyOf(mona, id);
    for (const [at, { id: from }] of all.entries())
      for (const [order, expected] of [
        ['asc', all.slice(at)],
        ['desc', all.slice(0, at + 1).reverse()],
      ] as const) {
        const path = `/api/chats/${id}/messages?order=${order}&limit=2`;
        const first = (await mona.get(`${path}&from=${from}`)).body;
        assert.deepEqual(first.items, expected.slice(0, 2));
        assert.equal(first.nextCursor === null, expected.length <= 2);
        if (first.nextCursor === null) continue;
        const next = (await mona.get(`${path}&cursor=${first.nextCursor}`)).body;
        assert.deepEqual(next.items, expected.slice(2, 4));
      }
    const [stranger] = await historyOf(mona, other);
    await refused('GET', `/api/chats/${id}/messages?from=${stranger?.id}`, undefined, 404);
    await refused('GET', `/api/chats/${id}/messages?from=${all[0]?.id}&cursor=Mw`);
  });

  it('refuse queries that are wrong, whatever is wrong about them', async () => {
    const id = await newChat(mona);
    const cursor = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    for (const query of [
      'limit=0',
      'limit=101',
      'limit=-1',
      'limit=1.5',
      'limit=x',
      'limit=',
      'limit=1&limit=2',
      'cursor=zzz',
      `cursor=${cursor({ updatedAt: 1e300, id: 'x' })}`,
      `cursor=${cursor({ updatedAt: 5 })}`,
      `cursor=${cursor({ updatedAt: 5, id: '\u0000' })}`,
      `cursor=${'x'.repeat(600)}`,
      'q=a&q=b',
      `q=${'x'.repeat(201)}`,
      'archived=maybe',
      'pinned=maybe',
      'nonsense=1',
    ]) {
      assert.equal((await refused('GET', `/api/chats?${query}`)).code, 'validation_failed', query);
    }
    for (const query of [
      'order=sideways',
      'order=asc&order=desc',
      'cursor=zzz',
      `cursor=${cursor(-1)}`,
      'limit=0',
      'x=1',
    ]) {
      await refused('GET', `/api/chats/${id}/messages?${query}`);
    }
    for (const query of ['format=pdf', 'format=json&format=markdown', 'x=1']) {
      await refused('GET', `/api/chats/${id}/export?${query}`);
    }
  });

  it('find words in titles and in what was said', async () => {
    const id = await newChat(mona, { title: 'Kohlrabi recipes' });
    await mona.post(`/api/chats/${id}/messages`, { content: 'I like zanzibar spices' });
    for (const q of ['kohlrabi', 'ZANZIBAR', 'zanz']) {
      const found = (await mona.get(`/api/chats?q=${q}`)).body.items;
      assert.deepEqual(
        found.map((chat: { id: string }) => chat.id),
        [id],
        q,
      );
    }
  });
});

describe('A message', { timeout: 60_000 }, () => {
  it('is refused when it says nothing, says too much, or says it wrongly', async () => {
    const id = await newChat(mona);
    const path = `/api/chats/${id}/messages`;
    for (const body of [
      {},
      { content: '' },
      { content: ' \n\t ' },
      { content: 5 },
      { content: null },
      { content: 'x'.repeat(400_001) },
      { content: 'hi', extra: true },
      { content: 'hi', delivery: 'now' },
      { content: 'hi', attachments: 'none' },
      { content: 'hi', model: '' },
    ]) {
      assert.equal((await refused('POST', path, body)).code, 'validation_failed', JSON.stringify(body).slice(0, 60));
    }
    await refused('POST', path, { content: 'x'.repeat(1024 * 1024) }, 413);
    assert.equal((await refused('POST', path, { content: 'hi', model: 'gpt-nope' })).code, 'model_unavailable');
    assert.deepEqual(await historyOf(mona, id), [], 'nothing was saved');
  });

  it('may carry images, and only what is one', async () => {
    const id = await newChat(mona);
    const path = `/api/chats/${id}/messages`;
    const image = (values: Record<string, unknown> = {}) => ({
      type: 'image',
      mimeType: 'image/png',
      data: PNG,
      ...values,
    });
    const seeing = await visionModel(true);
    const good = await mona.post(path, { content: 'look', attachments: [image({ name: 'dot.png' })], model: seeing });
    assert.equal(good.status, 200, good.text);
    assert.match(good.body.message.content, /I can see 1 image/);
    const [question] = await historyOf(mona, id);
    assert.deepEqual(question.attachments, [{ type: 'image', mimeType: 'image/png', data: PNG, name: 'dot.png' }]);
    for (const attachment of [
      image({ type: 'file', path: '/etc/passwd' }),
      image({ path: '/etc/passwd' }),
      image({ mimeType: 'image/svg+xml' }),
      image({ data: '' }),
      { type: 'directory', path: '/' },
    ]) {
      await refused('POST', path, { content: 'look', attachments: [attachment], model: seeing });
    }
    for (const attachment of [
      image({ mimeType: 'image/jpeg' }),
      image({ data: '$$$$' }),
      image({ data: 'aGVsbG8=' }),
    ]) {
      const problem = await refused('POST', path, { content: 'look', attachments: [attachment], model: seeing });
      assert.equal(problem.code, 'attachment_rejected');
    }
    await refused('POST', path, { content: 'look', attachments: Array(9).fill(image()), model: seeing });
    const blind = await refused('POST', path, {
      content: 'look',
      attachments: [image()],
      model: await visionModel(false),
    });
    assert.equal(blind.code, 'attachment_rejected');
  });

  async function visionModel(vision: boolean): Promise<string> {
    const models = (await mona.get('/api/models')).body.items as { id: string; vision: boolean }[];
    const found = models.find((model) => model.vision === vision && model.id !== 'auto');
    assert.ok(found, `a model with vision ${vision}`);
    return found.id;
  }
});

describe('Models', { timeout: 60_000 }, () => {
  it('have one default, which is not auto; auto comes last', async () => {
    const { items } = (await mona.get('/api/models')).body as { items: { id: string; default: boolean }[] };
    const defaults = items.filter((model) => model.default);
    assert.equal(defaults.length, 1);
    assert.equal(defaults[0]?.id, items[0]?.id);
    assert.notEqual(items[0]?.id, 'auto');
    const auto = items.findIndex(({ id }) => id === 'auto');
    assert.ok(auto === -1 || auto === items.length - 1);
    const id = await newChat(mona);
    const answer = await mona.post(`/api/chats/${id}/messages`, { content: 'hello' });
    assert.equal(answer.body.turn.model, items[0]?.id);
  });
});

describe('An export', { timeout: 60_000 }, () => {
  it('is the whole chat, for machines and for people', async () => {
    const id = await newChat(mona, { title: 'To keep' });
    await mona.post(`/api/chats/${id}/messages`, { content: 'remember the milk' });
    const json = await mona.get(`/api/chats/${id}/export`);
    assert.equal(json.headers.get('content-disposition'), `attachment; filename="chat-${id}.json"`);
    assert.deepEqual(json.body.chat, (await mona.get(`/api/chats/${id}`)).body);
    assert.deepEqual(json.body.messages, await historyOf(mona, id));
    const markdown = await mona.get(`/api/chats/${id}/export?format=markdown`);
    assert.match(markdown.headers.get('content-type') ?? '', /^text\/markdown/);
    assert.match(markdown.text, /^# To keep\n[\s\S]*## You · [\s\S]*remember the milk[\s\S]*## Copilot/);
  });
});
