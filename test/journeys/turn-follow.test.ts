/** A turn's events, for whoever listens: as it is asked for, along the way, from anywhere, afterwards. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { all, type Browser } from '../support/http-browser.ts';
import {
  assertWhole,
  endOf,
  follow,
  historyOf,
  isEnd,
  newChat,
  readUntil,
  startTurn,
  textOf,
  until,
} from '../turns/support/turns.ts';

describe('Following a turn', { timeout: 90_000 }, () => {
  let t: TestGateway;
  let mona: Browser;

  before(async () => {
    t = await startTestGateway({ env: { RATE_LIMIT_PER_MINUTE: '10000', TURNS_PER_USER: '50' } });
    mona = await t.signIn('mona');
  });
  after(() => t.close());

  it('gives the same frames under the same numbers to all who came before, during and after', async () => {
    const chat = await newChat(mona);
    const posted = mona.say(chat, '[[tokens:60]] [[pace:15]]');
    const first = (await posted.next()).value;
    assert.equal(first.event, 'turn.started');
    const turnId = first.data.turn.id;
    const early = all(follow(mona, turnId));
    const begun = await readUntil(follow(mona, turnId), ({ id }) => (id ?? 0) >= 20);
    const during = all(follow(mona, turnId, { after: 10 }));
    const poster = [first, ...(await all(posted))];
    const [fromStart, from10, afterwards] = await Promise.all([early, during, endOf(mona, turnId)]);
    const late = await all(follow(mona, turnId));
    const late10 = await all(follow(mona, turnId, { after: 10 }));

    assertWhole(poster);
    assert.deepEqual(fromStart, poster);
    assert.deepEqual(late, poster);
    assert.deepEqual(begun, poster.slice(0, begun.length));
    assert.deepEqual(from10, poster.slice(10));
    assert.deepEqual(late10, poster.slice(10));
    assert.equal(afterwards.status, 'completed');
    const expected = Array.from({ length: 60 }, (_, index) => `w${index + 1}`).join(' ');
    assert.equal(textOf(poster), expected);
    const completed = poster.find(({ event }) => event === 'message.completed');
    assert.equal(completed?.data.message.content, expected);
    assert.deepEqual((await historyOf(mona, chat)).at(-1), completed?.data.message);
  });

  it('has no gap and no double for one who keeps losing the connection', async () => {
    const chat = await newChat(mona);
    const turn = await startTurn(mona, chat, '[[tokens:80]] [[pace:10]]');
    const seen = [];
    for (let cut = 7; seen.at(-1) === undefined || !isEnd(seen.at(-1) as never); cut += 7) {
      seen.push(...(await readUntil(follow(mona, turn.id, { after: seen.length }), ({ id }) => (id ?? 0) >= cut)));
    }
    assertWhole(seen);
    assert.equal(textOf(seen).split(' ').length, 80);
  });

  it('says in its headers that nobody may hold or change the stream, and when to come back', async () => {
    const chat = await newChat(mona);
    const response = await mona.fetch(`/api/chats/${chat}/messages`, {
      method: 'POST',
      headers: { accept: 'text/event-stream', 'content-type': 'application/json' },
      body: JSON.stringify({ content: 'hello' }),
    });
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/);
    assert.equal(response.headers.get('cache-control'), 'no-cache, no-transform');
    assert.equal(response.headers.get('x-accel-buffering'), 'no');
    assert.match(response.headers.get('content-location') ?? '', /^\/api\/turns\/[\w-]{36}$/);
    assert.match(await response.text(), /^retry: \d+\n\n/);
  });

  it('tells one who has seen the end to stop, one with nonsense for a number that it is nonsense', async () => {
    const chat = await newChat(mona);
    const events = await all(mona.say(chat, 'hello'));
    const { id, data } = events.at(-1) as (typeof events)[0];
    const path = `/api/turns/${data.turn.id}/events`;
    const again = await mona.fetch(path, { headers: { 'last-event-id': String(id) } });
    assert.equal(again.status, 204);
    for (const nonsense of ['-1', 'x', '1.5', '99999999999999', '1, 2']) {
      const answer = await mona.get(path, { 'last-event-id': nonsense });
      assert.equal(answer.status, 400, nonsense);
      assert.equal(answer.body.code, 'validation_failed');
    }
  });

  it('ends also for one whose number was never given', async () => {
    const chat = await newChat(mona);
    const turn = await startTurn(mona, chat, '[[tokens:10]] [[pace:20]]');
    const events = await all(follow(mona, turn.id, { after: 500 }));
    assert.ok(isEnd(events.at(-1) as never));
  });

  it('can be done before the turn has begun', async () => {
    const chat = await newChat(mona);
    const running = await startTurn(mona, chat, '[[tokens:30]] [[pace:15]]');
    const queued = await startTurn(mona, chat, '[[say:second]]', { delivery: 'queue' });
    assert.equal(queued.status, 'queued');
    const [first, second] = await Promise.all([all(follow(mona, running.id)), all(follow(mona, queued.id))]);
    assertWhole(first);
    assertWhole(second);
    assert.equal(textOf(second), 'second');
  });

  it('lets a plain HEAD go, without a stream that nobody reads', async () => {
    const chat = await newChat(mona);
    const turn = await startTurn(mona, chat, 'hello');
    for (const path of [`/api/turns/${turn.id}/events`, '/api/events']) {
      const answer = await mona.fetch(path, { method: 'HEAD' });
      assert.equal(answer.status, 404, path);
    }
    await endOf(mona, turn.id);
  });

  it('costs the same per token at the end of a very long answer as at its start', async () => {
    const chat = await newChat(mona);
    const tokens = 20_000;
    const arrivals: number[] = [];
    let text = '';
    let end = '';
    for await (const { event, data } of mona.say(chat, `[[tokens:${tokens}]]`)) {
      if (event === 'message.delta') {
        arrivals.push(performance.now());
        text += data.text;
      }
      end = event;
    }
    assert.equal(end, 'turn.completed');
    const [answer] = (await historyOf(mona, chat)).filter(({ role }) => role === 'assistant');
    assert.ok(
      text === Array.from({ length: tokens }, (_, index) => `w${index + 1}`).join(' '),
      'every word once, in order',
    );
    assert.ok(answer.content === text, 'it is kept as it was said');
    // Work that grew with the answer would make the last quarter several times as slow as the first.
    const at = (share: number) => arrivals[Math.floor((arrivals.length - 1) * share)] as number;
    const first = at(0.3) - at(0.05);
    const last = at(0.95) - at(0.7);
    assert.ok(last < first * 3 + 500, `a quarter took ${first.toFixed(0)} ms at first, ${last.toFixed(0)} ms at last`);
    const turnId = answer.turnId;
    assertWhole(await all(follow(mona, turnId)));
  });

  it('keeps what was said close behind in the store', async () => {
    const chat = await newChat(mona);
    const turn = await startTurn(mona, chat, '[[tokens:200]] [[pace:15]]');
    await readUntil(follow(mona, turn.id), ({ id }) => (id ?? 0) >= 60);
    const seenAt = performance.now();
    const { DatabaseSync } = await import('node:sqlite');
    const db = new DatabaseSync(`${t.dataDir}/gateway.db`, { readOnly: true });
    const stored = db.prepare('select last_frame_id as last from turns where id = ?');
    await until('60 frames are stored', () => Number(stored.get(turn.id)?.last) >= 60, 2_000);
    const lag = performance.now() - seenAt;
    db.close();
    assert.ok(lag < 1_000, `stored ${lag.toFixed(0)} ms after it was seen`);
    await mona.post(`/api/turns/${turn.id}/cancel`);
    await endOf(mona, turn.id);
  });
});

describe('Waiting for a turn', { timeout: 60_000 }, () => {
  let t: TestGateway;
  let mona: Browser;

  before(async () => {
    t = await startTestGateway();
    mona = await t.signIn('mona');
  });
  after(() => t.close());

  it('answers the turn and its message when it has ended', async () => {
    const chat = await newChat(mona);
    const answer = await mona.post(`/api/chats/${chat}/messages`, { content: '[[say:done]]' });
    assert.equal(answer.status, 200);
    assert.equal(answer.body.turn.status, 'completed');
    assert.equal(answer.body.turn.messageId, answer.body.message.id);
    assert.equal(answer.body.message.content, 'done');
    assert.equal(answer.body.message.status, 'complete');
    assert.deepEqual((await mona.get(`/api/turns/${answer.body.turn.id}`)).body, answer.body.turn);
  });

  it('does not stop the turn by leaving', async () => {
    for (const accept of ['application/json', 'text/event-stream']) {
      const chat = await newChat(mona);
      const gone = new AbortController();
      const asked = mona
        .fetch(`/api/chats/${chat}/messages`, {
          method: 'POST',
          headers: { accept, 'content-type': 'application/json' },
          body: JSON.stringify({ content: '[[tokens:30]] [[pace:20]]' }),
          signal: gone.signal,
        })
        .then((response) => response.text())
        .catch(() => 'left');
      const [question] = await until('the question is saved', async () => {
        const items = await historyOf(mona, chat);
        return items.length > 0 && items;
      });
      gone.abort();
      assert.equal(await asked, 'left');
      const turn = await endOf(mona, question.turnId);
      assert.equal(turn.status, 'completed', accept);
      assert.equal((await historyOf(mona, chat)).at(-1).content.split(' ').length, 30);
    }
  });

  it('is not needed: 202 at once, the turn to be looked up', async () => {
    const chat = await newChat(mona);
    const answer = await mona.post(
      `/api/chats/${chat}/messages`,
      { content: '[[tokens:20]] [[pace:20]]' },
      { prefer: 'wait=5, respond-async', accept: 'text/event-stream' },
    );
    assert.equal(answer.status, 202);
    assert.equal(answer.headers.get('preference-applied'), 'respond-async');
    assert.equal(answer.headers.get('location'), `/api/turns/${answer.body.turn.id}`);
    assert.equal(answer.body.turn.status, 'running');
    const turn = await endOf(mona, answer.body.turn.id);
    assert.equal(turn.status, 'completed');
    assert.equal((await historyOf(mona, chat)).at(-1).id, turn.messageId);
  });

  it('answers a failed turn with its problem and the turn it was', async () => {
    const chat = await newChat(mona);
    const answer = await mona.post(`/api/chats/${chat}/messages`, { content: '[[fault:403]]' });
    assert.equal(answer.status, 403);
    assert.equal(answer.body.code, 'copilot_access_denied');
    const turn = (await mona.get(`/api/turns/${answer.body.turnId}`)).body;
    assert.equal(turn.status, 'failed');
    assert.equal(turn.error.code, 'copilot_access_denied');
  });
});
