/** Another try: the last answer once more, one's own message put differently. What the model hears afterwards agrees. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { parseFault } from '../../src/demo/faults.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { all, type Browser } from '../support/http-browser.ts';
import { assertWhole, endOf, follow, historyOf, newChat, startTurn, textOf } from '../turns/support/turns.ts';

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';
const LONG = '[[tokens:400]] [[pace:25]]';

let t: TestGateway;
let mona: Browser;

before(async () => {
  t = await startTestGateway({ env: { RATE_LIMIT_PER_MINUTE: '10000', TURNS_PER_USER: '30' } });
  mona = await t.signIn('mona');
});
after(() => t.close());

/** What the model was told in its last call, as role and text. */
function lastModelRequest(): string {
  const messages = t.standIn.modelRequests.at(-1)?.messages as { role: string; content: unknown }[];
  return messages
    .filter(({ role }) => role !== 'system')
    .map(({ role, content }) => `${role}: ${typeof content === 'string' ? content : JSON.stringify(content)}`)
    .join('\n');
}

/** Says each of `said` in a chat of its own and waits for the answers. */
async function chatWith(...said: string[]): Promise<string> {
  const chat = await newChat(mona);
  for (const content of said) {
    const answer = await mona.post(`/api/chats/${chat}/messages`, { content });
    assert.equal(answer.status, 200, answer.text);
  }
  return chat;
}

async function models(): Promise<{ id: string; default: boolean; vision: boolean }[]> {
  return (await mona.get('/api/models')).body.items;
}

async function contents(chat: string): Promise<string[]> {
  return (await historyOf(mona, chat)).map(({ role, content }) => `${role}: ${content}`);
}

describe('Asking for another answer', { timeout: 120_000 }, () => {
  it('replaces the last one; its question stays, and the model hears nothing of the first try', async () => {
    const chat = await chatWith('my cat is called Quincy [[say:noted]]', 'what is papaya [[tokens:3]]');
    const before = await historyOf(mona, chat);
    const answer = await mona.post(`/api/chats/${chat}/regenerate`, {});
    assert.equal(answer.status, 200, answer.text);
    const history = await historyOf(mona, chat);
    assert.deepEqual(
      history.map(({ id }) => id),
      [...before.slice(0, 3).map(({ id }) => id), answer.body.message.id],
    );
    assert.notEqual(answer.body.message.id, before[3].id);
    assert.equal(history[2].createdAt, before[2].createdAt);
    assert.equal(history[2].turnId, answer.body.turn.id);
    assert.equal(answer.body.turn.userMessageId, before[2].id);
    const heard = lastModelRequest();
    assert.match(heard, /Quincy/);
    assert.equal(heard.match(/papaya/g)?.length, 1);
    assert.doesNotMatch(heard, /w1 w2 w3/);
    // The conversation goes on from what is there now.
    await mona.post(`/api/chats/${chat}/messages`, { content: 'and now? [[say:fine]]' });
    assert.equal(lastModelRequest().match(/papaya/g)?.length, 1);
    assert.equal(lastModelRequest().match(/w1 w2 w3/g)?.length, 1);
  });

  it('of an earlier question takes away what came after it, also from search', async () => {
    const chat = await chatWith('first [[say:one]]', 'second zebrafinch [[say:two]]', 'third [[say:three]]');
    const [, first] = await historyOf(mona, chat);
    const answer = await mona.post(`/api/chats/${chat}/regenerate`, { messageId: first.id });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(await contents(chat), ['user: first [[say:one]]', 'assistant: one']);
    assert.deepEqual((await mona.get('/api/chats?q=zebrafinch')).body.items, []);
    assert.equal((await mona.get(`/api/chats/${chat}/messages?limit=1`)).body.items[0].content, 'first [[say:one]]');
  });

  it('streams, or is looked at later, like any message', async () => {
    const chat = await chatWith('hello [[tokens:5]]');
    const events = await all(mona.stream(`/api/chats/${chat}/regenerate`, jsonBody({})));
    assertWhole(events);
    assert.equal(textOf(events), 'w1 w2 w3 w4 w5');
    assert.equal(events.at(-1)?.event, 'turn.completed');
    const later = await mona.post(`/api/chats/${chat}/regenerate`, {}, { prefer: 'respond-async' });
    assert.equal(later.status, 202, later.text);
    assert.equal(later.headers.get('location'), `/api/turns/${later.body.turn.id}`);
    assert.equal((await endOf(mona, later.body.turn.id)).status, 'completed');
    assert.equal((await historyOf(mona, chat)).length, 2);
  });

  it('can be had of another model, and of a question whose answer failed', async () => {
    const chat = await newChat(mona);
    t.standIn.setFault(parseFault('400'));
    const failed = await mona.post(`/api/chats/${chat}/messages`, { content: 'mango' });
    t.standIn.setFault(null);
    assert.equal(failed.status, 502, failed.text);
    const answered = await mona.post(`/api/chats/${chat}/regenerate`, {});
    assert.equal(answered.status, 200, answered.text);
    const plain = await chatWith('which are you');
    const other = (await models()).find((model) => !model.default && model.id !== 'auto')?.id;
    const answer = await mona.post(`/api/chats/${plain}/regenerate`, { model: other });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.body.turn.model, other);
    assert.equal((await historyOf(mona, chat)).length, 2);
  });

  it('happens once however often the request is repeated with its Idempotency-Key', async () => {
    const chat = await chatWith('once [[say:only]]');
    const [, old] = await historyOf(mona, chat);
    const key = { 'idempotency-key': `again-${chat}` };
    const first = await mona.post(`/api/chats/${chat}/regenerate`, { messageId: old.id }, key);
    const second = await mona.post(`/api/chats/${chat}/regenerate`, { messageId: old.id }, key);
    assert.equal(first.status, 200, first.text);
    assert.deepEqual(second.body, first.body);
    const other = await mona.post(`/api/chats/${chat}/regenerate`, {}, key);
    assert.equal(other.status, 422);
  });

  it('is refused while the chat answers, without an answer to replace, or with a model that is none; nothing is lost', async () => {
    const chat = await chatWith('keep me [[say:kept]]');
    const before = await contents(chat);
    const unknown = await mona.post(`/api/chats/${chat}/regenerate`, { model: 'no-such-model' });
    assert.deepEqual([unknown.status, unknown.body.code], [400, 'model_unavailable']);
    const [question] = await historyOf(mona, chat);
    const notAnAnswer = await mona.post(`/api/chats/${chat}/regenerate`, { messageId: question.id });
    assert.deepEqual([notAnAnswer.status, notAnAnswer.body.code], [400, 'validation_failed']);
    assert.equal((await mona.post(`/api/chats/${chat}/regenerate`, { messageId: 'nowhere' })).status, 404);
    assert.equal((await mona.post(`/api/chats/${await newChat(mona)}/regenerate`, {})).status, 404);
    assert.deepEqual(await contents(chat), before);
    const turn = await startTurn(mona, chat, LONG);
    const running = await mona.post(`/api/chats/${chat}/regenerate`, {});
    assert.deepEqual([running.status, running.body.code], [409, 'turn_running']);
    assert.equal(running.body.turnId, turn.id);
    await mona.post(`/api/turns/${turn.id}/cancel`);
    await all(follow(mona, turn.id));
    assert.deepEqual((await contents(chat)).slice(0, 2), before);
  });

  it('leaves the replaced turn with nothing to tell but its end', async () => {
    const chat = await chatWith('secret recipe [[say:nutmeg]]');
    const [question] = await historyOf(mona, chat);
    const answer = await mona.post(`/api/chats/${chat}/messages/${question.id}/edit`, { content: 'hi [[say:hi]]' });
    assert.equal(answer.status, 200, answer.text);
    const old = await mona.get(`/api/turns/${question.turnId}`);
    assert.deepEqual([old.status, old.body.status, old.body.messageId], [200, 'completed', null]);
    const events = await all(follow(mona, question.turnId));
    assert.equal(events.at(-1)?.event, 'turn.completed');
    assert.doesNotMatch(JSON.stringify(events), /nutmeg/);
  });
});

describe('Editing a message of one’s own', { timeout: 120_000 }, () => {
  it('replaces it and everything after it; the model hears the new words only', async () => {
    const chat = await chatWith('I live in Lima [[say:ok]]', 'I like kiwis [[say:nice]]', 'bye [[say:bye]]');
    const before = await historyOf(mona, chat);
    const path = `/api/chats/${chat}/messages/${before[2].id}/edit`;
    const answer = await mona.post(path, { content: 'I like plums [[say:plums it is]]' });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(await contents(chat), [
      'user: I live in Lima [[say:ok]]',
      'assistant: ok',
      'user: I like plums [[say:plums it is]]',
      'assistant: plums it is',
    ]);
    const heard = lastModelRequest();
    assert.match(heard, /Lima/);
    assert.match(heard, /plums/);
    assert.doesNotMatch(heard, /kiwis|bye/);
    assert.equal((await mona.get('/api/chats?q=plums')).body.items[0]?.id, chat);
    assert.deepEqual((await mona.get('/api/chats?q=kiwis')).body.items, []);
  });

  it('may carry images, streams, and is done once per Idempotency-Key', async () => {
    const chat = await chatWith('what is this [[say:no idea]]');
    const [question] = await historyOf(mona, chat);
    const attachments = [{ type: 'image', mimeType: 'image/png', data: PNG, name: 'dot.png' }];
    const model = (await models()).find(({ vision }) => vision)?.id;
    const path = `/api/chats/${chat}/messages/${question.id}/edit`;
    const body = { content: 'what is this [[say:a dot]]', attachments, model };
    const key = { 'idempotency-key': `edit-${chat}` };
    const events = await all(mona.stream(path, jsonBody(body, key)));
    assert.equal(textOf(events), 'a dot');
    const repeated = await mona.post(path, body, key);
    assert.equal(repeated.status, 200, repeated.text);
    assert.equal(repeated.body.message.content, 'a dot');
    const history = await historyOf(mona, chat);
    assert.deepEqual(
      history.map(({ content, attachments: images }) => [content, images.length]),
      [
        ['what is this [[say:a dot]]', 1],
        ['a dot', 0],
      ],
    );
    // An answer to a question with an image is asked again with the image.
    assert.equal((await mona.post(`/api/chats/${chat}/regenerate`, {})).body.code, 'attachment_rejected');
    assert.equal((await mona.post(`/api/chats/${chat}/regenerate`, { model })).status, 200);
    assert.match(JSON.stringify(t.standIn.modelRequests.at(-1)?.messages), /image_url|data:image\/png/);
  });

  it('is refused for answers, for what is not there, and for what is no message; nothing is lost', async () => {
    const chat = await chatWith('stay [[say:here]]');
    const [question, answer] = await historyOf(mona, chat);
    const edit = (id: string, body: unknown) => mona.post(`/api/chats/${chat}/messages/${id}/edit`, body);
    assert.equal((await edit(answer.id, { content: 'mine' })).status, 400);
    assert.equal((await edit('nowhere', { content: 'mine' })).status, 404);
    assert.equal((await edit(question.id, { content: '  ' })).status, 400);
    assert.equal((await edit(question.id, { content: 'x', model: 'no-such-model' })).status, 400);
    const notAnImage = [{ type: 'image', mimeType: 'image/png', data: 'AAAA' }];
    assert.equal((await edit(question.id, { content: 'x', attachments: notAnImage })).body.code, 'attachment_rejected');
    const elsewhere = await chatWith('other [[say:chat]]');
    const [foreign] = await historyOf(mona, elsewhere);
    assert.equal((await edit(foreign.id, { content: 'mine' })).status, 404);
    assert.equal((await historyOf(mona, chat)).length, 2);
  });
});

function jsonBody(body: unknown, headers: Record<string, string> = {}): RequestInit {
  return { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
}
