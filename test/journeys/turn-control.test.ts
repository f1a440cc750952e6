/** Stopping, queueing, joining and repeating: one turn at a time, in an order that can be read afterwards. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { all, type Browser } from '../support/http-browser.ts';
import {
  endOf,
  follow,
  historyOf,
  isEnd,
  newChat,
  readUntil,
  startTurn,
  textOf,
  timed,
} from '../turns/support/turns.ts';

let t: TestGateway;
let mona: Browser;
let hubot: Browser;

before(async () => {
  t = await startTestGateway({
    env: { RATE_LIMIT_PER_MINUTE: '10000', TURN_QUEUE_PER_CHAT: '3', TURNS_PER_USER: '30' },
  });
  [mona, hubot] = await Promise.all([t.signIn('mona'), t.signIn('hubot')]);
});
after(() => t.close());

const LONG = '[[tokens:400]] [[pace:25]]';

/** What the model was told in its last call, as role and text. */
function lastModelRequest(): string[] {
  const messages = t.standIn.modelRequests.at(-1)?.messages as { role: string; content: unknown }[];
  return messages
    .filter(({ role }) => role !== 'system')
    .map(({ role, content }) => `${role}: ${typeof content === 'string' ? content : JSON.stringify(content)}`);
}

describe('Cancelling a turn', { timeout: 60_000 }, () => {
  it('is felt within a second and keeps what was said; the chat goes on with the same memory', async () => {
    const chat = await newChat(mona);
    const turn = await startTurn(mona, chat, `apricot ${LONG}`);
    const following = all(follow(mona, turn.id));
    await readUntil(follow(mona, turn.id), ({ id }) => (id ?? 0) >= 8);
    const { value: cancelled, ms } = await timed(
      (async () => {
        const answer = await mona.post(`/api/turns/${turn.id}/cancel`);
        await following;
        return answer;
      })(),
    );
    assert.equal(cancelled.status, 202);
    assert.ok(ms < 1_500, `it took ${ms.toFixed(0)} ms`);
    const events = await following;
    assert.equal(events.at(-1)?.event, 'turn.cancelled');
    const [question, answer] = await historyOf(mona, chat);
    assert.equal(answer.status, 'partial');
    assert.equal(answer.content, textOf(events));
    assert.match(answer.content, /^w1 w2 /);
    assert.equal(question.turnId, turn.id);

    const next = await mona.post(`/api/chats/${chat}/messages`, { content: 'what did I say before?' });
    assert.equal(next.status, 200, next.text);
    const told = lastModelRequest();
    assert.match(told[0] ?? '', /user: .*apricot/s);
    assert.ok(told[1]?.includes(answer.content.trim()), `the model knows the partial answer: ${told[1]}`);
    assert.match(next.body.message.content, /apricot/);
  });

  it('stops the model call itself', async () => {
    const chat = await newChat(mona);
    const turn = await startTurn(mona, chat, `kiwi ${LONG}`);
    await readUntil(follow(mona, turn.id), ({ event }) => event === 'message.delta');
    const request = t.standIn.modelRequests.findLast(({ messages }) => JSON.stringify(messages).includes('kiwi'));
    await mona.post(`/api/turns/${turn.id}/cancel`);
    await endOf(mona, turn.id);
    assert.equal(request?.aborted, true);
  });

  it('can be asked again, and after the end, with the same answer', async () => {
    const chat = await newChat(mona);
    const turn = await startTurn(mona, chat, LONG);
    const twice = await Promise.all([1, 2, 3].map(() => mona.post(`/api/turns/${turn.id}/cancel`)));
    assert.deepEqual(
      twice.map(({ status }) => status),
      [202, 202, 202],
    );
    const ended = await endOf(mona, turn.id);
    assert.equal(ended.status, 'cancelled');
    const late = await mona.post(`/api/turns/${turn.id}/cancel`);
    assert.equal(late.status, 202);
    assert.deepEqual(late.body, ended);
    const done = await mona.post(`/api/chats/${chat}/messages`, { content: 'hello' });
    const completed = await mona.post(`/api/turns/${done.body.turn.id}/cancel`);
    assert.equal(completed.status, 202);
    assert.equal(completed.body.status, 'completed');
  });

  it('takes a waiting turn out of the queue before it ran', async () => {
    const chat = await newChat(mona);
    const running = await startTurn(mona, chat, LONG);
    const queued = await startTurn(mona, chat, 'plum', { delivery: 'queue' });
    const following = all(follow(mona, queued.id));
    const answer = await mona.post(`/api/turns/${queued.id}/cancel`);
    assert.equal(answer.status, 202);
    assert.equal(answer.body.status, 'cancelled');
    const events = await following;
    assert.deepEqual(
      events.map(({ id, event }) => [id, event]),
      [[1, 'turn.cancelled']],
    );
    await mona.post(`/api/turns/${running.id}/cancel`);
    await endOf(mona, running.id);
    const again = await mona.post(`/api/chats/${chat}/messages`, { content: 'pear' });
    assert.equal(again.status, 200);
    assert.ok(!t.standIn.modelRequests.some(({ messages }) => JSON.stringify(messages.at(-1)).includes('plum')));
    // It stays in the history, so the model knows of it, unanswered.
    assert.equal(
      lastModelRequest().filter((line) => line.startsWith('user: ')).length,
      (await historyOf(mona, chat)).filter(({ role }) => role === 'user').length,
    );
    assert.ok(lastModelRequest().some((line) => line.includes('plum')));
  });

  it('is not for others: the turn is not there for them, and goes on', async () => {
    const chat = await newChat(mona);
    const turn = await startTurn(mona, chat, '[[tokens:10]] [[pace:20]]');
    const answer = await hubot.post(`/api/turns/${turn.id}/cancel`);
    assert.equal(answer.status, 404);
    assert.equal((await endOf(mona, turn.id)).status, 'completed');
  });

  it('answers one who waits with the turn and what was said', async () => {
    const chat = await newChat(mona);
    const waiting = mona.post(`/api/chats/${chat}/messages`, { content: LONG });
    const turnId = await runningTurn(chat);
    await readUntil(follow(mona, turnId), ({ event }) => event === 'message.delta');
    await mona.post(`/api/turns/${turnId}/cancel`);
    const answer = await waiting;
    assert.equal(answer.status, 200);
    assert.equal(answer.body.turn.status, 'cancelled');
    assert.equal(answer.body.turn.error, null);
    assert.equal(answer.body.message.status, 'partial');
  });
});

/** The id of the turn that runs in a chat, as a refused message tells it. */
async function runningTurn(chat: string): Promise<string> {
  for (;;) {
    const [question] = await historyOf(mona, chat);
    if (question !== undefined) return question.turnId;
  }
}

describe('One turn at a time', { timeout: 60_000 }, () => {
  it('refuses a second message and names the turn that runs, however many come at once', async () => {
    const chat = await newChat(mona);
    const turn = await startTurn(mona, chat, LONG);
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) => mona.post(`/api/chats/${chat}/messages`, { content: `no ${index}` })),
    );
    for (const answer of answers) {
      assert.equal(answer.status, 409);
      assert.equal(answer.body.code, 'turn_running');
      assert.equal(answer.body.turnId, turn.id);
    }
    await mona.post(`/api/turns/${turn.id}/cancel`);
    await endOf(mona, turn.id);
    assert.equal((await historyOf(mona, chat)).filter(({ role }) => role === 'user').length, 1);
  });

  it('lets exactly one of many first messages begin', async () => {
    const chat = await newChat(mona);
    const answers = await Promise.all(
      Array.from({ length: 8 }, () =>
        mona.post(`/api/chats/${chat}/messages`, { content: '[[tokens:20]] [[pace:20]]' }, { prefer: 'respond-async' }),
      ),
    );
    const taken = answers.filter(({ status }) => status === 202);
    assert.equal(taken.length, 1);
    await endOf(mona, taken[0]?.body.turn.id);
  });

  it('runs a queue in the order it came, and reads as question, answer, question, answer', async () => {
    const chat = await newChat(mona);
    const first = await startTurn(mona, chat, '[[tokens:20]] [[pace:20]]');
    const words = ['one', 'two', 'three'];
    const queued = [];
    for (const word of words) queued.push(await startTurn(mona, chat, `[[say:${word}]]`, { delivery: 'queue' }));
    const full = await mona.post(`/api/chats/${chat}/messages`, { content: 'four', delivery: 'queue' });
    assert.equal(full.status, 429);
    assert.equal(full.body.code, 'queue_full');
    assert.match(full.headers.get('retry-after') ?? '', /^\d+$/);
    const ends = await Promise.all([first, ...queued].map(({ id }) => endOf(mona, id)));
    for (const [index, turn] of ends.entries()) {
      assert.equal(turn.status, 'completed');
      if (index > 0) assert.ok(turn.startedAt >= ends[index - 1].endedAt, 'one after the other');
    }
    const history = await historyOf(mona, chat);
    assert.deepEqual(
      history.map(({ role }) => role),
      ['user', 'assistant', 'user', 'assistant', 'user', 'assistant', 'user', 'assistant'],
    );
    assert.deepEqual(
      history
        .filter(({ role }) => role === 'assistant')
        .map(({ content }) => content)
        .slice(1),
      words,
    );
  });

  it('takes no more turns of one person than allowed', async () => {
    const small = await startTestGateway({ env: { TURNS_PER_USER: '2' }, sharedStandIn: t.standIn });
    try {
      const browser = await small.signIn('mona');
      const chats = await Promise.all([1, 2, 3].map(() => newChat(browser)));
      const [one, two] = await Promise.all(chats.slice(0, 2).map((chat) => startTurn(browser, chat, LONG)));
      const refused = await browser.post(`/api/chats/${chats[2]}/messages`, { content: 'too much' });
      assert.equal(refused.status, 429);
      assert.equal(refused.body.code, 'too_many_turns');
      assert.ok(refused.headers.get('retry-after'));
      await browser.post(`/api/turns/${one.id}/cancel`);
      await endOf(browser, one.id);
      assert.equal((await browser.post(`/api/chats/${chats[2]}/messages`, { content: 'now' })).status, 200);
      await browser.post(`/api/turns/${two.id}/cancel`);
    } finally {
      await small.close();
    }
  });
});

describe('A message that joins the running turn', { timeout: 60_000 }, () => {
  it('is answered in that turn, in one history, one end', async () => {
    const chat = await newChat(mona);
    const turn = await startTurn(mona, chat, '[[tokens:30]] [[pace:20]]');
    const following = all(follow(mona, turn.id));
    await readUntil(follow(mona, turn.id), ({ event }) => event === 'message.delta');
    const joined = await startTurn(mona, chat, '[[say:joined indeed]]', { delivery: 'steer' });
    assert.equal(joined.id, turn.id);
    const events = await following;
    assert.equal(events.filter(isEnd).length, 1);
    const history = await historyOf(mona, chat);
    assert.deepEqual(
      history.map(({ role, turnId }) => [role, turnId === turn.id]),
      [
        ['user', true],
        ['user', true],
        ['assistant', true],
      ],
    );
    assert.equal(history[2].content, textOf(events));
    assert.match(history[2].content, /w30[\s\S]*joined indeed/);
  });

  it('becomes a turn of its own when nothing runs, or when what runs was told to stop', async () => {
    const chat = await newChat(mona);
    const alone = await mona.post(`/api/chats/${chat}/messages`, { content: '[[say:alone]]', delivery: 'steer' });
    assert.equal(alone.status, 200);
    assert.equal(alone.body.message.content, 'alone');
    const running = await startTurn(mona, chat, LONG);
    await readUntil(follow(mona, running.id), ({ event }) => event === 'message.delta');
    const [, after] = await Promise.all([
      mona.post(`/api/turns/${running.id}/cancel`),
      mona.post(`/api/chats/${chat}/messages`, { content: '[[say:after it]]', delivery: 'steer' }),
    ]);
    assert.equal(after.status, 200, after.text);
    const last = (await historyOf(mona, chat)).at(-1);
    assert.match(last.content, /after it|^w1/);
  });

  it('is never lost, however close to the end it comes', async () => {
    const chat = await newChat(mona);
    for (let round = 0; round < 12; round += 1) {
      const turn = await startTurn(mona, chat, `[[tokens:${4 + round}]] [[pace:5]]`);
      await readUntil(follow(mona, turn.id), ({ event }) => event === 'message.delta');
      const joining = await Promise.all(
        ['a', 'b'].map((name) =>
          mona.post(`/api/chats/${chat}/messages`, { content: `[[say:${name}${round}]]`, delivery: 'steer' }),
        ),
      );
      for (const answer of joining) assert.equal(answer.status, 200, answer.text);
      await endOf(mona, turn.id);
    }
    await mona.post(`/api/chats/${chat}/messages`, { content: 'is that all?' });
    const history = await historyOf(mona, chat);
    const questions = history.filter(({ role }) => role === 'user').map(({ content }) => content);
    const told = lastModelRequest().filter((line) => line.startsWith('user: '));
    assert.equal(told.length, questions.length, 'the model was told each once');
    for (const [index, question] of questions.entries()) assert.ok(told[index]?.includes(question), question);
    for (let round = 0; round < 12; round += 1) {
      const answers = history.filter(({ role, content }) => role === 'assistant' && content.includes(`${round}`));
      assert.ok(
        answers.some(({ content }) => new RegExp(`\\b[ab]${round}\\b`).test(content)),
        `round ${round}`,
      );
    }
    assert.equal(history.filter(({ role }) => role === 'user').length, 37);
  });
});

describe('The same request again', { timeout: 60_000 }, () => {
  const key = (name: string) => ({ 'idempotency-key': `${name}-${process.hrtime.bigint()}` });

  it('is the same turn, for twenty at once and in every way of waiting', async () => {
    const chat = await newChat(mona);
    const headers = key('twenty');
    const body = { content: '[[tokens:20]] [[pace:10]]' };
    const path = `/api/chats/${chat}/messages`;
    const ways: Record<string, string>[] = [{}, { prefer: 'respond-async' }, { accept: 'text/event-stream' }];
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => mona.post(path, body, { ...headers, ...ways[index % 3] })),
    );
    const ids = answers.map((answer) => {
      assert.ok([200, 202].includes(answer.status), answer.text);
      return answer.body.turn?.id ?? /"turn":\{"id":"([^"]+)"/.exec(answer.text)?.[1];
    });
    assert.equal(new Set(ids).size, 1, 'one turn for all');
    assert.equal((await historyOf(mona, chat)).filter(({ role }) => role === 'user').length, 1);
    const afterwards = await mona.post(path, body, headers);
    assert.equal(afterwards.body.turn.id, ids[0]);
    const streamed = await all(
      mona.stream(path, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    );
    assert.equal(streamed.at(-1)?.event, 'turn.completed');
    assert.equal(streamed[0]?.id, 1);
  });

  it('is refused when it asks for something else', async () => {
    const chat = await newChat(mona);
    const headers = key('other');
    assert.equal((await mona.post(`/api/chats/${chat}/messages`, { content: 'one' }, headers)).status, 200);
    const other = await mona.post(`/api/chats/${chat}/messages`, { content: 'two' }, headers);
    assert.equal(other.status, 422);
    assert.equal(other.body.code, 'idempotency_mismatch');
    const elsewhere = await newChat(mona);
    assert.equal((await mona.post(`/api/chats/${elsewhere}/messages`, { content: 'one' }, headers)).status, 422);
    assert.equal((await hubot.post('/api/chat', { message: 'mine' }, headers)).status, 200, "another's key is another");
  });

  it("is the same answer of the guide's call, with and without a session", async () => {
    for (const session of [{ sessionId: `s-${process.hrtime.bigint()}` }, {}]) {
      const headers = key('ask');
      const body = { ...session, message: '[[tokens:10]] [[pace:10]]' };
      const before = (await mona.get('/api/chats?limit=100')).body.items.length;
      const answers = await Promise.all(Array.from({ length: 6 }, () => mona.post('/api/chat', body, headers)));
      for (const answer of answers) assert.equal(answer.status, 200, answer.text);
      assert.equal(new Set(answers.map((answer) => answer.text)).size, 1);
      assert.equal((await mona.get('/api/chats?limit=100')).body.items.length, before + 1, 'one chat was made');
      assert.equal((await mona.post('/api/chat', { ...body, message: 'other' }, headers)).status, 422);
    }
  });

  it('is refused with a key that is none', async () => {
    const chat = await newChat(mona);
    for (const bad of ['x'.repeat(256), 'tab\there']) {
      const answer = await mona.post(`/api/chats/${chat}/messages`, { content: 'hi' }, { 'idempotency-key': bad });
      assert.equal(answer.status, 400);
    }
  });
});
