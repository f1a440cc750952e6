/** What a person used, through chats and through OpenAI's API, as they are told. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import type { Browser } from '../support/http-browser.ts';
import { makeToken, openAiClient } from '../support/programs.ts';

describe('usage', () => {
  let gateway: TestGateway;
  let mona: Browser;
  let chatId: string;
  before(async () => {
    gateway = await startTestGateway();
    mona = await gateway.signIn('mona');
    chatId = (await mona.post('/api/chats', { title: 'T' })).body.id;
    for (const content of ['[[tokens:10]]', '[[tokens:20]]']) {
      assert.equal((await mona.post(`/api/chats/${chatId}/messages`, { content, model: 'gpt-5.4' })).status, 200);
    }
    const { token } = await makeToken(mona);
    const client = openAiClient(gateway, token);
    const messages = [{ role: 'user' as const, content: '[[tokens:40]]' }];
    await client.chat.completions.create({ model: 'gpt-5-mini', messages });
    await client.chat.completions.create({
      ...{ model: 'gpt-5-mini', stop: 'w5' },
      messages: [{ role: 'user', content: '[[tokens:900]] [[pace:5]]' }],
    });
  });
  after(() => gateway.close());

  it('adds up every model call, of chats and of the OpenAI-compatible API', async () => {
    const { status, body } = await mona.get('/api/usage');
    assert.equal(status, 200);
    assert.deepEqual(
      [body.totals.requests, body.totals.turns, body.totals.outputTokens, body.groupBy],
      // The one that was stopped counts as a request: nobody told its tokens.
      [4, 2, 70, 'day'],
    );
    assert.ok(body.totals.inputTokens > 0);
    const [{ day, ...today }] = body.items;
    assert.match(day, /^\d{4}-\d{2}-\d{2}$/);
    assert.deepEqual(today, { model: null, chatId: null, ...body.totals });
  });

  it('is told by model and by chat', async () => {
    const byModel = (await mona.get('/api/usage?groupBy=model')).body.items;
    assert.deepEqual(
      new Map(byModel.map((item: { model: string; outputTokens: number }) => [item.model, item.outputTokens])),
      new Map([
        ['gpt-5.4', 30],
        ['gpt-5-mini', 40],
      ]),
    );
    const byChat = (await mona.get('/api/usage?groupBy=chat')).body.items;
    assert.deepEqual(
      new Map(byChat.map((item: { chatId: string; turns: number }) => [item.chatId, item.turns])),
      new Map([
        [chatId, 2],
        [null, 0],
      ]),
    );
  });

  it('is told for a span of time', async () => {
    const before = (await mona.get('/api/usage?from=2020-01-01&to=2020-02-01')).body;
    assert.deepEqual([before.items, before.totals.requests], [[], 0]);
    assert.deepEqual([before.from, before.to], ['2020-01-01T00:00:00.000Z', '2020-02-01T00:00:00.000Z']);
    for (const query of ['from=soon', 'from=2020-02-01&to=2020-01-01', 'groupBy=week', 'user=1002']) {
      assert.equal((await mona.get(`/api/usage?${query}`)).status, 400, query);
    }
  });

  it("is nobody else's to see", async () => {
    const hubot = await gateway.signIn('hubot');
    assert.equal((await hubot.get('/api/usage')).body.totals.requests, 0);
  });
});
