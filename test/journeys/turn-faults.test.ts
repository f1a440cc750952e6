/** What goes wrong around a turn, and how it is told: models, runtimes, the store, readers that do not read. */
import assert from 'node:assert/strict';
import { type ClientRequest, request } from 'node:http';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { all, type Browser, type SseEvent } from '../support/http-browser.ts';
import { runtimesOf } from '../support/runtime-processes.ts';
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
  until,
} from '../turns/support/turns.ts';

const LONG = '[[tokens:400]] [[pace:25]]';

/** A gateway and someone signed in to it. */
async function open(env: Record<string, string>, login = 'mona'): Promise<{ t: TestGateway; mona: Browser }> {
  const t = await startTestGateway({ env: { RATE_LIMIT_PER_MINUTE: '10000', ...env } });
  return { t, mona: await t.signIn(login) };
}

describe('A model that goes wrong', { timeout: 90_000, concurrency: true }, () => {
  let t: TestGateway;
  let mona: Browser;

  before(async () => {
    ({ t, mona } = await open({ TURNS_PER_USER: '40' }));
    await mona.post('/api/chat', { message: 'warm' });
  });
  after(() => t.close());

  const refusals: [name: string, prompt: string, status: number, code: string][] = [
    ['403 is no access to Copilot', '[[fault:403]]', 403, 'copilot_access_denied'],
    ['402 is a used-up quota', '[[fault:402]]', 429, 'quota_exceeded'],
    ['429 that asks for a long wait', '[[fault:429 retry-after=3600]]', 429, 'upstream_rate_limited'],
    ['a prompt too long', '[[fault:400 code=model_max_prompt_tokens_exceeded]]', 422, 'context_too_long'],
    ['500 that does not go away', '[[fault:500]]', 502, 'upstream_failed'],
  ];
  for (const [name, prompt, status, code] of refusals) {
    it(`${name}: ${code}`, async () => {
      const chat = await newChat(mona);
      const answer = await mona.post(`/api/chats/${chat}/messages`, { content: `please ${prompt}` });
      assert.equal(answer.status, status, answer.text);
      assert.equal(answer.body.code, code);
      if (code === 'upstream_rate_limited') assert.ok(Number(answer.headers.get('retry-after')) >= 60);
      const turn = (await mona.get(`/api/turns/${answer.body.turnId}`)).body;
      assert.equal(turn.status, 'failed');
      assert.equal(turn.error.code, code);
      const events = await all(follow(mona, turn.id));
      assert.equal(events.at(-1)?.event, 'turn.failed');
      assert.equal(events.at(-1)?.data.error.code, code);
      const next = await mona.post(`/api/chats/${chat}/messages`, { content: 'and now?' });
      assert.equal(next.status, 200, `the chat goes on: ${next.text}`);
    });
  }

  it('a broken connection is tried again: what was said is withdrawn, the answer is whole', async () => {
    const chat = await newChat(mona);
    const events = await all(mona.say(chat, '[[tokens:12]] [[fault:cut after=5 times=1]]'));
    assert.equal(events.filter(({ event }) => event === 'message.reset').length, 1);
    assert.equal(events.at(-1)?.event, 'turn.completed');
    assert.equal(textOf(events), 'w1 w2 w3 w4 w5 w6 w7 w8 w9 w10 w11 w12');
    assert.equal((await historyOf(mona, chat)).at(-1).content, textOf(events));
  });

  it('a refusal that goes away is not noticed', async () => {
    const chat = await newChat(mona);
    const answer = await mona.post(`/api/chats/${chat}/messages`, {
      content: '[[say:fine]] [[fault:429 retry-after=1 times=1]]',
    });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.body.message.content, 'fine');
  });
});

describe('A credential that GitHub rejects', { timeout: 60_000 }, () => {
  it('ends the turn with reauth_required, is used no more, and a new sign-in heals it', async () => {
    const { t, mona } = await open({});
    try {
      const chat = await newChat(mona);
      assert.equal((await mona.post(`/api/chats/${chat}/messages`, { content: 'before' })).status, 200);
      t.standIn.revokeAllTokens('mona');
      const failed = await mona.post(`/api/chats/${chat}/messages`, { content: 'rejected' });
      assert.equal(failed.status, 401);
      assert.equal(failed.body.code, 'reauth_required');
      const asked = t.standIn.modelRequests.length;
      const again = await mona.post(`/api/chats/${chat}/messages`, { content: 'still rejected' });
      assert.equal(again.body.code, 'reauth_required');
      assert.equal(t.standIn.modelRequests.length, asked, 'the rejected token was not tried again');
      assert.equal((await historyOf(mona, chat))[0].content, 'before');
      await mona.signIn(t.standIn, 'mona');
      const healed = await mona.post(`/api/chats/${chat}/messages`, { content: 'healed' });
      assert.equal(healed.status, 200, healed.text);
    } finally {
      await t.close();
    }
  });
});

describe('A turn that takes too long', { timeout: 60_000 }, () => {
  let t: TestGateway;
  let mona: Browser;

  before(async () => {
    const env = { TURN_FIRST_TOKEN_SECONDS: '2', TURN_SILENCE_SECONDS: '1', TURN_MAX_SECONDS: '4' };
    ({ t, mona } = await open(env));
    await mona.post('/api/chat', { message: 'warm' });
  });
  after(() => t.close());

  const cases: [name: string, prompt: string, code: string, said: RegExp | null][] = [
    ['to its first token', '[[fault:hang]]', 'first_token_timeout', null],
    ['from one token to the next', '[[tokens:9]] [[fault:stall after=3]]', 'silence_timeout', /^w1 w2 w3 ?$/],
    ['altogether', LONG, 'turn_timeout', /^w1 w2 w3 w4 /],
  ];
  for (const [name, prompt, code, said] of cases) {
    it(`${name} fails with ${code}, keeps what was said, and the chat goes on`, async () => {
      const chat = await newChat(mona);
      const { value: answer, ms } = await timed(mona.post(`/api/chats/${chat}/messages`, { content: prompt }));
      assert.equal(answer.status, 504, answer.text);
      assert.equal(answer.body.code, code);
      assert.ok(ms < 10_000, `${ms.toFixed(0)} ms`);
      const [, partial] = await historyOf(mona, chat);
      if (said === null) assert.equal(partial, undefined);
      else {
        assert.match(partial.content, said);
        assert.equal(partial.status, 'partial');
      }
      assert.equal((await mona.post(`/api/chats/${chat}/messages`, { content: 'next' })).status, 200);
    });
  }
});

describe('A runtime that goes wrong', { timeout: 90_000 }, () => {
  let t: TestGateway;
  let mona: Browser;
  let hubot: Browser;

  before(async () => {
    ({ t, mona } = await open({ TURN_START_SECONDS: '2' }));
    await mona.post('/api/chat', { message: 'warm' });
  });
  after(() => t.close());

  function runtime(): number {
    const [found] = runtimesOf(t.dataDir);
    assert.ok(found, 'a runtime runs');
    return found.pid;
  }

  it('dead: the turn fails within 2 s, keeps what was said, and the next one knows it; others do not notice', async () => {
    const chat = await newChat(mona);
    const turn = await startTurn(mona, chat, `papaya ${LONG}`);
    const following = all(follow(mona, turn.id));
    await readUntil(follow(mona, turn.id), ({ id }) => (id ?? 0) >= 8);
    const victim = runtime();
    hubot = await t.signIn('hubot');
    const other = hubot.post('/api/chat', { message: '[[tokens:50]] [[pace:20]]' });
    await until('the other person has a runtime', () => runtimesOf(t.dataDir).length > 1);
    const { value: events, ms } = await timed(
      (async () => {
        process.kill(victim, 'SIGKILL');
        return following;
      })(),
    );
    assert.ok(ms < 2_000, `told after ${ms.toFixed(0)} ms`);
    assert.equal(events.at(-1)?.event, 'turn.failed');
    assert.equal(events.at(-1)?.data.error.code, 'runtime_unavailable');
    const [, partial] = await historyOf(mona, chat);
    assert.equal(partial.content, textOf(events));
    const next = await mona.post(`/api/chats/${chat}/messages`, { content: 'what did I say before?' });
    assert.equal(next.status, 200, next.text);
    assert.match(next.body.message.content, /papaya/);
    const asked = t.standIn.modelRequests.map(({ messages }) => JSON.stringify(messages));
    const told = asked.findLast((messages) => messages.includes('papaya')) ?? '';
    assert.ok(told.includes(partial.content.trim()), 'the model knows what was said');
    assert.equal((await other).status, 200);
  });

  it('frozen in mid-answer: the turn fails in time, the next one works on a fresh one', async () => {
    const chat = await newChat(mona);
    const turn = await startTurn(mona, chat, LONG);
    await readUntil(follow(mona, turn.id), ({ id }) => (id ?? 0) >= 8);
    for (const { pid } of runtimesOf(t.dataDir)) process.kill(pid, 'SIGSTOP');
    const ended = await endOf(mona, turn.id);
    assert.equal(ended.status, 'failed');
    assert.equal(ended.error.code, 'runtime_unavailable');
    const next = await until('a message is answered again', async () => {
      const answer = await mona.post(`/api/chats/${chat}/messages`, { content: 'hello?' });
      return answer.status === 200 && answer;
    });
    assert.equal(next.body.turn.status, 'completed');
  });

  it('that does not take the message in time: turn_start_timeout', async () => {
    await mona.post('/api/chat', { message: 'warm again' });
    const chat = await newChat(mona);
    for (const { pid } of runtimesOf(t.dataDir)) process.kill(pid, 'SIGSTOP');
    const answer = await mona.post(`/api/chats/${chat}/messages`, { content: 'anyone there?' });
    assert.ok([503, 504].includes(answer.status), answer.text);
    assert.match(answer.body.code, /^(turn_start_timeout|runtime_unavailable)$/);
    assert.equal((await historyOf(mona, chat)).length, 1, 'the message is kept');
  });
});

describe('A store that is away', { timeout: 60_000 }, () => {
  let t: TestGateway;
  let mona: Browser;

  before(async () => {
    ({ t, mona } = await open({}));
    await mona.post('/api/chat', { message: 'warm' });
  });
  after(() => t.close());

  /** Holds the database's write lock from a connection of its own, as another process would. */
  function lock(): { release: () => void } {
    const db = new DatabaseSync(`${t.dataDir}/gateway.db`, { timeout: 5_000 });
    db.exec('begin exclusive');
    return {
      release: () => {
        db.exec('rollback');
        db.close();
      },
    };
  }

  it('refuses a message within 2 s, saves nothing of it, and goes on by itself', async () => {
    const chat = await newChat(mona);
    const held = lock();
    const { value: answers, ms } = await timed(
      Promise.all(['one', 'two'].map((content) => mona.post(`/api/chats/${chat}/messages`, { content }))),
    );
    for (const answer of answers) {
      assert.equal(answer.status, 503, answer.text);
      assert.equal(answer.body.code, 'store_unavailable');
      assert.ok(Number(answer.headers.get('retry-after')) <= 2);
    }
    assert.ok(ms < 2_300, `${ms.toFixed(0)} ms`);
    assert.equal((await mona.get(`/api/chats/${chat}/messages`)).status, 200, 'reading goes on');
    held.release();
    assert.deepEqual(await historyOf(mona, chat), []);
    assert.equal((await mona.post(`/api/chats/${chat}/messages`, { content: 'three' })).status, 200);
  });

  it('loses nothing of a turn that speaks and ends meanwhile', async () => {
    const chat = await newChat(mona);
    const turn = await startTurn(mona, chat, '[[tokens:40]] [[pace:15]]');
    const events = follow(mona, turn.id);
    const seen = await take(events, 10);
    const held = lock();
    for (let next = await events.next(); !next.done; next = await events.next()) {
      seen.push(next.value);
      if (next.value.event === 'message.delta' && next.value.data.text.startsWith('w40')) break;
    }
    assert.ok(!seen.some(isEnd), 'no end is told before it is stored');
    await until('the end waits for the store', () =>
      t.logLines.some((line) => line.includes('the end of a turn could not be stored yet')),
    );
    held.release();
    for await (const event of events) seen.push(event);
    assert.ok(isEnd(seen.at(-1) as never));
    const ended = await endOf(mona, turn.id);
    const answer = (await historyOf(mona, chat)).at(-1);
    assert.equal(answer.content.split(' ').length, 40);
    assert.equal(textOf(seen), answer.content);
    assert.deepEqual(await all(follow(mona, turn.id)), seen);
    assert.ok(['completed', 'failed'].includes(ended.status), ended.status);
    const next = await mona.post(`/api/chats/${chat}/messages`, { content: 'and now?' });
    assert.equal(next.status, 200);
  });
});

/** The first `count` events; the rest stays to be read. */
async function take(events: AsyncGenerator<SseEvent>, count: number): Promise<SseEvent[]> {
  const seen: SseEvent[] = [];
  while (seen.length < count) {
    const next = await events.next();
    assert.ok(!next.done);
    seen.push(next.value);
  }
  return seen;
}

describe('A reader that does not read', { timeout: 60_000 }, () => {
  it('holds up neither the turn, nor other readers, nor the shutdown', async () => {
    const { t, mona } = await open({});
    const sockets: ClientRequest[] = [];
    try {
      const chat = await newChat(mona);
      await mona.post(`/api/chats/${chat}/messages`, { content: 'warm' });
      const turn = await startTurn(mona, chat, '[[tokens:6000]]');
      for (let count = 0; count < 5; count += 1) sockets.push(idleReader(t, mona, `/api/turns/${turn.id}/events`));
      const events = await all(follow(mona, turn.id));
      assert.equal(events.at(-1)?.event, 'turn.completed', JSON.stringify(events.at(-1)?.data.error));
      assert.equal(textOf(events).split(' ').length, 6_000);
    } finally {
      const { ms } = await timed(t.close());
      for (const socket of sockets) socket.destroy();
      assert.ok(ms < 5_000, `closing took ${ms.toFixed(0)} ms`);
    }
  });
});

/** Asks for a stream and then takes nothing of it. */
function idleReader(t: TestGateway, browser: Browser, path: string): ClientRequest {
  const asked = request(`${t.url}${path}`, { headers: { cookie: browser.cookieHeader } });
  asked.on('response', (response) => response.pause());
  asked.on('error', () => undefined);
  asked.end();
  return asked;
}
