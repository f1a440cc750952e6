/** A right that ends, a chat or a person that goes, in the middle of a turn. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { all, type SseEvent } from '../support/http-browser.ts';
import {
  endOf,
  follow,
  historyOf,
  isEnd,
  newChat,
  readUntil,
  startTurn,
  timed,
  until,
} from '../turns/support/turns.ts';

const LONG = '[[tokens:400]] [[pace:25]]';

describe('In mid-turn', { timeout: 60_000 }, () => {
  let t: TestGateway;

  before(async () => {
    t = await startTestGateway({ env: { RATE_LIMIT_PER_MINUTE: '10000' } });
  });
  after(() => t.close());

  it('signing out everywhere ends the turn, those who wait for it and every stream, within 5 s', async () => {
    const [phone, laptop] = [await t.signIn('mona'), await t.signIn('mona')];
    const [chat, other] = await Promise.all([newChat(phone), newChat(phone)]);
    const waiting = phone.post(`/api/chats/${chat}/messages`, { content: LONG });
    const turn = await startTurn(phone, other, LONG);
    const following = all(follow(phone, turn.id));
    const events = all(phone.stream('/api/events'));
    await readUntil(follow(laptop, turn.id), ({ event }) => event === 'message.delta');
    await until('the other message is taken', async () => (await historyOf(laptop, chat)).length === 1);
    const { ms } = await timed(
      (async () => {
        assert.equal((await laptop.delete('/api/me/sessions')).status, 204);
        const [waited, followed] = await Promise.all([waiting, following, events]);
        assert.equal(waited.status, 401, waited.text);
        assert.equal(waited.body.code, 'unauthenticated');
        assert.ok(!followed.some(({ event }) => event === 'turn.completed'));
      })(),
    );
    assert.ok(ms < 5_000, `${ms.toFixed(0)} ms`);
    const again = await t.signIn('mona');
    const ended = await endOf(again, turn.id);
    assert.equal(ended.status, 'failed');
    assert.equal(ended.error.code, 'unauthenticated');
    assert.equal((await again.post(`/api/chats/${other}/messages`, { content: 'back again' })).status, 200);
  });

  it('deleting the chat ends its turns and tells their followers; nothing of it is left', async () => {
    const hubot = await t.signIn('hubot');
    const chat = await newChat(hubot);
    const turn = await startTurn(hubot, chat, LONG);
    const queued = await startTurn(hubot, chat, 'never', { delivery: 'queue' });
    const both = Promise.all([all(follow(hubot, turn.id)), all(follow(hubot, queued.id))]);
    const waiting = hubot.post(`/api/chats/${chat}/messages`, { content: 'neither', delivery: 'queue' });
    await until('both wait', async () => (await historyOf(hubot, chat)).length === 3);
    await readUntil(follow(hubot, turn.id), ({ event }) => event === 'message.delta');
    assert.equal((await hubot.delete(`/api/chats/${chat}`)).status, 204);
    for (const events of await both) assert.equal(events.at(-1)?.event, 'turn.cancelled');
    assert.ok([200, 404].includes((await waiting).status));
    for (const path of [`/api/chats/${chat}`, `/api/turns/${turn.id}`, `/api/turns/${turn.id}/events`]) {
      assert.equal((await hubot.get(path)).status, 404, path);
    }
    assert.equal((await hubot.post(`/api/turns/${turn.id}/cancel`)).status, 404);
  });

  it('erasing the person ends their turns; nothing runs on for nobody', async () => {
    const octavia = await t.signIn('octavia');
    const chat = await newChat(octavia);
    const turn = await startTurn(octavia, chat, `erase me ${LONG}`);
    const seen: SseEvent[] = await readUntil(follow(octavia, turn.id), ({ event }) => event === 'message.delta');
    assert.ok(!seen.some(isEnd));
    assert.equal((await octavia.delete('/api/me')).status, 204);
    const request = t.standIn.modelRequests.findLast(({ messages }) => JSON.stringify(messages).includes('erase me'));
    await until('the model call is over', () => request?.aborted === true);
    assert.equal(t.gateway.engine.running, 0);
    const again = await t.signIn('octavia');
    assert.deepEqual((await again.get('/api/chats')).body.items, []);
    assert.equal((await again.get(`/api/turns/${turn.id}`)).status, 404);
  });
});
