/** Chats that go on from another one's history: forks. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import type { Browser } from '../support/http-browser.ts';
import { historyOf, newChat } from '../turns/support/turns.ts';

let t: TestGateway;
let mona: Browser;

before(async () => {
  t = await startTestGateway({ env: { RATE_LIMIT_PER_MINUTE: '10000' } });
  mona = await t.signIn('mona');
});
after(() => t.close());

function lastModelRequest(): string {
  return JSON.stringify(t.standIn.modelRequests.at(-1)?.messages);
}

async function say(chat: string, content: string): Promise<void> {
  const answer = await mona.post(`/api/chats/${chat}/messages`, { content });
  assert.equal(answer.status, 200, answer.text);
}

describe('A fork', { timeout: 90_000 }, () => {
  it('has the history, the system prompt and the memory up to that message; the original goes on by itself', async () => {
    const chat = await newChat(mona, { title: 'Harbours', systemPrompt: 'Answer like a pilot.' });
    await say(chat, 'my boat is the Marlin [[say:noted]]');
    await say(chat, 'my dog is Rex [[say:good dog]]');
    const history = await historyOf(mona, chat);
    const fork = await mona.post(`/api/chats/${chat}/fork`, { messageId: history[1].id });
    assert.equal(fork.status, 201, fork.text);
    assert.equal(fork.headers.get('location'), `/api/chats/${fork.body.id}`);
    assert.deepEqual([fork.body.title, fork.body.systemPrompt], ['Harbours', 'Answer like a pilot.']);
    assert.equal(fork.body.sessionId, fork.body.id);
    await say(fork.body.id, 'what is my boat called? [[say:the Marlin]]');
    assert.match(lastModelRequest(), /Marlin/);
    assert.match(lastModelRequest(), /Answer like a pilot/);
    assert.doesNotMatch(lastModelRequest(), /Rex/);
    assert.equal((await historyOf(mona, fork.body.id)).length, 4);
    await say(chat, 'and my dog? [[say:Rex]]');
    assert.match(lastModelRequest(), /my dog is Rex/);
    assert.equal((await historyOf(mona, chat)).length, 6);
  });

  it('can be answered again and edited, and outlives the original', async () => {
    const chat = await newChat(mona);
    await say(chat, 'first [[say:one]]');
    const fork = (await mona.post(`/api/chats/${chat}/fork`, { title: 'mine' })).body;
    assert.equal((await mona.delete(`/api/chats/${chat}`)).status, 204);
    assert.equal((await mona.post(`/api/chats/${fork.id}/regenerate`, {})).status, 200);
    const [question] = await historyOf(mona, fork.id);
    const edited = await mona.post(`/api/chats/${fork.id}/messages/${question.id}/edit`, { content: 'x [[say:two]]' });
    assert.equal(edited.body.message.content, 'two', edited.text);
    assert.equal((await mona.get(`/api/chats/${fork.id}`)).body.title, 'mine');
  });

  it('is told to other devices, and refused for what is not there', async () => {
    const chat = await newChat(mona);
    await say(chat, 'hello [[say:hi]]');
    const stop = new AbortController();
    const events = mona.stream('/api/events', { signal: stop.signal });
    const heard = events.next();
    const fork = await mona.post(`/api/chats/${chat}/fork`, {});
    const { value } = await heard;
    assert.deepEqual([value.event, value.data.chat.id], ['chat.created', fork.body.id]);
    stop.abort();
    assert.equal((await mona.post(`/api/chats/${chat}/fork`, { messageId: 'nowhere' })).status, 404);
    assert.equal((await mona.post(`/api/chats/${chat}/fork`, { title: ' ' })).status, 400);
    assert.equal((await mona.post('/api/chats/nowhere/fork', {})).status, 404);
  });
});
