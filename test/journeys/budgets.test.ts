/** What an operator allows a person a day, through HTTP: turns and completions alike, however many at once. */
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import type { Browser } from '../support/http-browser.ts';
import { asked, failure, makeToken, openAiClient } from '../support/programs.ts';

let gateway: TestGateway;
afterEach(() => gateway.close());

async function newChat(who: Browser): Promise<string> {
  return (await who.post('/api/chats', {})).body.id;
}

function say(who: Browser, chat: string, key: string) {
  return who.post(`/api/chats/${chat}/messages`, { content: 'hello' }, { 'idempotency-key': key });
}

describe('A budget of requests', { timeout: 60_000 }, () => {
  it('is kept by turns begun together, and by completions after them, and is nobody else’s', async () => {
    gateway = await startTestGateway({ env: { BUDGET_REQUESTS_PER_DAY: '3' } });
    const [mona, hubot] = await Promise.all([gateway.signIn('mona'), gateway.signIn('hubot')]);
    const chats = await Promise.all(Array.from({ length: 8 }, () => newChat(mona)));
    const answers = await Promise.all(chats.map((chat, index) => say(mona, chat, `key ${index}`)));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 200, 200, 429, 429, 429, 429, 429]);
    for (const { status, body, headers } of answers) {
      if (status === 200) continue;
      assert.equal(body.code, 'quota_exceeded');
      const seconds = Number(headers.get('retry-after'));
      assert.ok(seconds > 0 && seconds <= 86_400);
    }
    const { body } = await mona.get('/api/usage');
    assert.equal(body.totals.requests, 3);
    const program = openAiClient(gateway, (await makeToken(mona)).token);
    const error = await failure(program.chat.completions.create(asked('hello')));
    assert.deepEqual([error.status, error.code], [429, 'insufficient_quota']);
    const accepted = answers.findIndex(({ status }) => status === 200);
    const retried = await say(mona, chats[accepted] ?? '', `key ${accepted}`);
    assert.equal(retried.body.turn?.id, answers[accepted]?.body.turn.id);
    assert.equal((await say(hubot, await newChat(hubot), 'mine')).status, 200);
  });
});

describe('A budget of tokens', { timeout: 60_000 }, () => {
  it('ends with the first request that uses it up, whichever way that came', async () => {
    gateway = await startTestGateway({ env: { BUDGET_TOKENS_PER_DAY: '1' } });
    const mona = await gateway.signIn('mona');
    const program = openAiClient(gateway, (await makeToken(mona)).token);
    assert.equal((await program.chat.completions.create(asked('hello'))).choices.length, 1);
    const refused = await say(mona, await newChat(mona), 'key');
    assert.deepEqual([refused.status, refused.body.code], [429, 'quota_exceeded']);
  });
});
