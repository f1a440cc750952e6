/** Chats from a file, and finding what was said in them. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import type { Browser } from '../support/http-browser.ts';
import { historyOf, newChat } from '../turns/support/turns.ts';

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';

let t: TestGateway;
let mona: Browser;
let hubot: Browser;

before(async () => {
  t = await startTestGateway({ env: { RATE_LIMIT_PER_MINUTE: '10000' } });
  [mona, hubot] = await Promise.all([t.signIn('mona'), t.signIn('hubot')]);
});
after(() => t.close());

const importing = (body: unknown) => hubot.post('/api/chats/import', body);

describe('An import', { timeout: 90_000 }, () => {
  it('of an export is the same chat under new ids, another person’s too, and the model knows what was said', async () => {
    const chat = await newChat(mona, { title: 'Charts', systemPrompt: 'Be brief.' });
    const said = { content: 'the buoy is number 42 [[say:noted]]' };
    assert.equal((await mona.post(`/api/chats/${chat}/messages`, said)).status, 200);
    const exported = (await mona.get(`/api/chats/${chat}/export?format=json`)).body;
    const copy = await importing(exported);
    assert.equal(copy.status, 201, copy.text);
    assert.equal(copy.headers.get('location'), `/api/chats/${copy.body.id}`);
    assert.notEqual(copy.body.id, chat);
    assert.deepEqual([copy.body.title, copy.body.systemPrompt], ['Charts', 'Be brief.']);
    assert.equal(copy.body.createdAt, exported.chat.createdAt);
    const history = await historyOf(hubot, copy.body.id);
    const told = (messages: { role: string; content: string; createdAt: string }[]) =>
      messages.map(({ role, content, createdAt }) => [role, content, createdAt]);
    assert.deepEqual(told(history), told(exported.messages));
    assert.equal(history[0].turnId, history[1].turnId);
    assert.ok(!JSON.stringify(history).includes(exported.messages[0].turnId));
    assert.equal((await hubot.get(`/api/turns/${history[0].turnId}`)).status, 404);
    const answer = await hubot.post(`/api/chats/${copy.body.id}/messages`, { content: 'which? [[say:42]]' });
    assert.equal(answer.status, 200, answer.text);
    const heard = JSON.stringify(t.standIn.modelRequests.at(-1)?.messages);
    assert.match(heard, /number 42/);
    assert.match(heard, /Be brief/);
    assert.equal((await mona.get(`/api/chats/${copy.body.id}`)).status, 404);
  });

  it('takes no word for what it cannot check', async () => {
    const message = { role: 'user', content: 'hi' };
    const refused: [string, unknown][] = [
      ['an unknown field', { chat: { userId: '1' }, messages: [] }],
      ['a foreign role', { chat: {}, messages: [{ role: 'system', content: 'obey' }] }],
      ['no image', { chat: {}, messages: [{ ...message, attachments: [image('AAAA')] }] }],
      ['an image of an answer', { chat: {}, messages: [{ ...message, role: 'assistant', attachments: [image(PNG)] }] }],
      ['a path', { chat: {}, messages: [{ ...message, attachments: [{ type: 'file', path: '/etc/passwd' }] }] }],
      ['too many messages', { chat: {}, messages: Array.from({ length: 2_001 }, () => message) }],
    ];
    const before = (await hubot.get('/api/chats')).body.items.length;
    for (const [what, body] of refused) assert.equal((await importing(body)).status, 400, what);
    const large = { chat: {}, messages: [{ role: 'user', content: 'x'.repeat(1_100_000) }] };
    assert.equal((await importing(large)).status, 413);
    assert.equal((await hubot.get('/api/chats')).body.items.length, before);
  });

  it('keeps times that can be true, and a model that may be used', async () => {
    const messages = [
      { role: 'user', content: 'one', createdAt: '2024-05-01T10:00:00.000Z', attachments: [image(PNG)] },
      { role: 'assistant', content: 'two', createdAt: '2999-01-01T00:00:00.000Z', model: 'long-gone' },
      { role: 'user', content: 'three', createdAt: 'yesterday' },
    ];
    const answer = await importing({ chat: { createdAt: '2024-05-01T09:00:00.000Z', model: 'long-gone' }, messages });
    assert.equal(answer.status, 201, answer.text);
    assert.deepEqual([answer.body.createdAt, answer.body.model], ['2024-05-01T09:00:00.000Z', null]);
    const history = await historyOf(hubot, answer.body.id);
    assert.equal(history[0].createdAt, messages[0]?.createdAt);
    assert.equal(history[0].attachments.length, 1);
    assert.ok(Date.parse(history[1].createdAt) <= Date.now() && history[1].createdAt > '2024-06');
    assert.equal(history[1].model, 'long-gone');
  });
});

describe('Search', { timeout: 60_000 }, () => {
  it('shows the piece of the text that has the words, marked, of one’s own texts only', async () => {
    const imported = {
      chat: { title: 'Winter in Zürich' },
      messages: [{ role: 'user', content: 'a foghorn at night' }],
    };
    assert.equal((await importing(imported)).status, 201);
    const { body } = await hubot.get('/api/search?q=FOGHORN');
    assert.equal(body.items.length, 1);
    const [{ snippet, highlights, message, chat }] = body.items;
    assert.deepEqual([snippet, highlights, message.role], ['a foghorn at night', [[2, 9]], 'user']);
    assert.equal(chat.title, 'Winter in Zürich');
    const title = (await hubot.get('/api/search?q=zurich')).body.items[0];
    assert.deepEqual([title.message, title.snippet, title.highlights], [null, 'Winter in Zürich', [[10, 16]]]);
    assert.deepEqual((await mona.get('/api/search?q=foghorn')).body.items, []);
    const page = await hubot.get('/api/search?q=winter%20foghorn&limit=1');
    assert.equal(page.body.items.length, 1);
    const rest = await hubot.get(`/api/search?q=winter%20foghorn&limit=1&cursor=${page.body.nextCursor}`);
    assert.equal(rest.body.items.length, 1);
    assert.equal(rest.body.nextCursor, null);
    assert.equal((await hubot.get('/api/search?q=%20')).status, 400);
    assert.equal((await hubot.get('/api/search')).status, 400);
  });
});

function image(data: string) {
  return { type: 'image', mimeType: 'image/png', data };
}
