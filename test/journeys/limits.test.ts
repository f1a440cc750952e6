/** One person's greed is their own affair: bounds on requests, streams and turns, and what others notice of a flood. */
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { type FloodOutcome, flood } from '../support/flood.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import type { Browser } from '../support/http-browser.ts';
import { asked, failure, makeToken, openAiClient } from '../support/programs.ts';

const SLOW = '[[tokens:2000]] [[delay:20]]';

let gateway: TestGateway;
afterEach(() => gateway.close());

async function newChat(who: Browser): Promise<string> {
  return (await who.post('/api/chats', {})).body.id;
}

describe('Streams', { timeout: 60_000 }, () => {
  it('beyond the allowed number are refused before anything is saved, until one ends', async () => {
    gateway = await startTestGateway({ env: { STREAMS_PER_USER: '2' } });
    const [mona, hubot] = await Promise.all([gateway.signIn('mona'), gateway.signIn('hubot')]);
    const chat = await newChat(mona);
    const leaving = new AbortController();
    const first = await mona.fetch('/api/events', { signal: leaving.signal });
    const second = await mona.fetch('/api/events');
    assert.deepEqual([first.status, second.status], [200, 200]);
    const stream = { accept: 'text/event-stream' };
    const refusals = await Promise.all([
      mona.get('/api/events'),
      mona.get('/api/turns/any/events'),
      mona.post(`/api/chats/${chat}/messages`, { content: 'hello' }, stream),
      mona.post(`/api/chats/${chat}/regenerate`, {}, stream),
    ]);
    for (const { status, body, headers } of refusals) {
      assert.deepEqual([status, body.code], [429, 'rate_limited']);
      assert.ok(Number(headers.get('retry-after')) > 0);
    }
    const { token } = await makeToken(mona);
    const program = openAiClient(gateway, token);
    const error = await failure(program.chat.completions.create({ ...asked('hello'), stream: true }));
    assert.deepEqual([error.status, error.code], [429, 'rate_limit_exceeded']);
    assert.deepEqual((await mona.get(`/api/chats/${chat}/messages`)).body.items, []);
    assert.equal((await mona.post(`/api/chats/${chat}/messages`, { content: 'hello' })).status, 200);
    const others = new AbortController();
    assert.equal((await hubot.fetch('/api/events', { signal: others.signal })).status, 200);
    leaving.abort();
    for (let status = 429; status === 429; )
      ({ status } = await mona.post(`/api/chats/${chat}/messages`, { content: 'and now?' }, stream));
    others.abort();
    await second.body?.cancel();
  });
});

describe('Turns and completions', { timeout: 60_000 }, () => {
  it('of one person count together', async () => {
    gateway = await startTestGateway({ env: { TURNS_PER_USER: '2' } });
    const mona = await gateway.signIn('mona');
    const program = openAiClient(gateway, (await makeToken(mona)).token);
    const [one, two] = [await newChat(mona), await newChat(mona)];
    const leaving = new AbortController();
    const running = await program.chat.completions.create({ ...asked(SLOW), stream: true }, { signal: leaving.signal });
    const say = (chat: string) =>
      mona.post(`/api/chats/${chat}/messages`, { content: SLOW }, { prefer: 'respond-async' });
    const { status, body } = await say(one);
    assert.equal(status, 202);
    const refused = await say(two);
    assert.deepEqual([refused.status, refused.body.code], [429, 'too_many_turns']);
    assert.equal((await failure(program.chat.completions.create(asked('hello')))).status, 429);
    await mona.post(`/api/turns/${body.turn.id}/cancel`);
    leaving.abort();
    running.controller.abort();
    for (let again = 429; again === 429; ) ({ status: again } = await say(two));
  });
});

describe('Requests', { timeout: 60_000 }, () => {
  it('are told how many are left, and when to come back', async () => {
    gateway = await startTestGateway({ env: { RATE_LIMIT_PER_MINUTE: '5' } });
    const mona = await gateway.signIn('mona');
    const { headers } = await mona.get('/api/me');
    assert.equal(headers.get('ratelimit-limit'), '5');
    assert.equal(headers.get('ratelimit-remaining'), '4');
    assert.ok(Number(headers.get('ratelimit-reset')) <= 60);
    const answers = await Promise.all(Array.from({ length: 5 }, () => mona.get('/api/me')));
    const refused = answers.filter(({ status }) => status === 429);
    assert.equal(refused.length, 1);
    assert.equal(refused[0]?.body.code, 'rate_limited');
    assert.equal(refused[0]?.headers.get('ratelimit-remaining'), '0');
    assert.ok(Number(refused[0]?.headers.get('retry-after')) > 0);
  });
});

describe('A flood of 1,000 posts of one person', { timeout: 120_000 }, () => {
  it('is answered with 429, and somebody else hardly notices', async (test) => {
    gateway = await startTestGateway({ env: { LOG_LEVEL: 'info' } });
    const [mona, hubot] = await Promise.all([gateway.signIn('mona'), gateway.signIn('hubot')]);
    const [hers, his] = [await newChat(mona), await newChat(hubot)];
    await hubot.post(`/api/chats/${his}/messages`, { content: 'hello' });
    const quiet = await latencies(hubot, () => false);
    const quietTurn = await timed(() => hubot.post(`/api/chats/${his}/messages`, { content: 'hello' }));
    const begun = Promise.withResolvers<void>();
    let over = false;
    const flooding = flood(plan(mona, hers), begun.resolve).finally(() => {
      over = true;
    });
    await begun.promise;
    const turn = timed(() => hubot.post(`/api/chats/${his}/messages`, { content: 'hello' }));
    const noisy = await latencies(hubot, () => over);
    const [outcome, noisyTurn] = await Promise.all([flooding, turn]);
    test.diagnostic(`bystander quiet: ${figures(quiet)}, a turn ${quietTurn.toFixed()} ms`);
    test.diagnostic(`bystander in the flood: ${figures(noisy)}, a turn ${noisyTurn.toFixed()} ms`);
    test.diagnostic(`flood: ${JSON.stringify(outcome)}`);
    assertBounded(outcome);
    assert.ok(at(noisy, 0.5) < at(quiet, 0.5) + 250, 'the median grew by more than 250 ms');
  });
});

function plan(who: Browser, chatId: string) {
  return {
    url: new URL(`/api/chats/${chatId}/messages`, who.url).href,
    count: 1_000,
    headers: {
      ...{ cookie: who.cookieHeader, 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' },
      prefer: 'respond-async',
    },
    body: JSON.stringify({ content: 'hello', delivery: 'queue' }),
  };
}

function assertBounded({ statuses, told }: FloodOutcome): void {
  const refused = statuses['429'] ?? 0;
  assert.deepEqual(Object.keys(statuses), ['202', '429']);
  assert.ok(refused >= 700, `${refused} were refused`);
  assert.equal(told, refused);
}

/** What a person's requests take in milliseconds, one after the other: at most 100, and at least 20. */
async function latencies(who: Browser, enough: () => boolean): Promise<number[]> {
  const all: number[] = [];
  while (all.length < 100 && !(all.length >= 20 && enough())) all.push(await timed(() => who.get('/api/chats')));
  return all.sort((a, b) => a - b);
}

async function timed(work: () => Promise<{ status: number }>): Promise<number> {
  const began = performance.now();
  assert.equal((await work()).status, 200);
  return performance.now() - began;
}

function at(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function figures(sorted: readonly number[]): string {
  const [median, p95, most] = [0.5, 0.95, 1].map((share) => at(sorted, share).toFixed(1));
  return `${sorted.length} requests, median ${median} ms, p95 ${p95} ms, most ${most} ms`;
}
