/** The gateway dies, or is told to go, in the middle of things: what must be there afterwards. Real processes. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { torture } from '../../scripts/torture.ts';
import { brokenPromises } from '../../scripts/torture-check.ts';
import { freePort, GatewayProcess, type StandInProcess, startStandInProcess } from '../../scripts/torture-processes.ts';
import { playBrowser } from '../../src/demo/browser.ts';
import type { StandIn } from '../../src/demo/stand-in.ts';
import { all, Browser, type SseEvent } from '../support/http-browser.ts';
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
  timed,
  until,
} from '../turns/support/turns.ts';

const LONG = '[[tokens:400]] [[pace:25]]';

let standIn: StandInProcess;
let gateway: GatewayProcess;
let mona: Browser;

before(async () => {
  standIn = await startStandInProcess();
});
after(() => standIn.stop());

/** A gateway process of its own, with someone signed in. */
async function open(env: Record<string, string> = {}): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'pilothouse-recovery-'));
  gateway = new GatewayProcess(standIn, { dataDir, port: await freePort() }, env);
  await gateway.start();
  mona = new Browser(gateway.url);
  await mona.signIn({ authorize: playBrowser } as unknown as StandIn, 'mona');
}

async function close(): Promise<void> {
  await gateway.kill();
  await rm(gateway.dataDir, { recursive: true, force: true });
}

/** What the model was told in its last call. */
async function toldToModel(): Promise<string> {
  const answer = await fetch(`${standIn.url}/_control/requests`);
  const { modelRequests } = (await answer.json()) as { modelRequests: { messages: unknown[] }[] };
  return JSON.stringify(modelRequests.at(-1)?.messages);
}

/** Reads a stream until it breaks. */
async function readAsFarAsItGoes(events: AsyncGenerator<SseEvent>, seen: SseEvent[]): Promise<void> {
  try {
    for await (const event of events) seen.push(event);
  } catch {
    // The connection died with the gateway.
  }
}

describe('A gateway killed in mid-answer', { timeout: 90_000 }, () => {
  beforeEach(() => open());
  afterEach(close);

  it('comes back with the message, the part that was said, and the turn interrupted; the chat goes on', async () => {
    const chat = await newChat(mona);
    const turn = await startTurn(mona, chat, `mango ${LONG}`);
    const queued = await startTurn(mona, chat, '[[say:from the queue]]', { delivery: 'queue' });
    const seen: SseEvent[] = [];
    const reading = readAsFarAsItGoes(follow(mona, turn.id), seen);
    await until('a good part was said', () => seen.length > 40);
    await gateway.kill();
    await reading;
    assert.ok(!seen.some(isEnd));
    await until('its runtimes are gone', () => gateway.orphans().length === 0, 5_000);
    await gateway.start();

    const ended = await endOf(mona, turn.id);
    assert.equal(ended.status, 'interrupted');
    assert.equal(ended.error.code, 'interrupted');
    assert.equal((await endOf(mona, queued.id)).status, 'completed');
    const history = await historyOf(mona, chat);
    assert.deepEqual(
      history.map(({ role, status }) => `${role} ${status}`),
      ['user complete', 'assistant partial', 'user complete', 'assistant complete'],
    );
    const partial = history[1].content as string;
    assert.ok(textOf(seen).startsWith(partial), 'what is kept is how the answer began');
    // 25 ms a word: a second of it is 40 words.
    const lost = textOf(seen).slice(partial.length).trim().split(/\s+/).filter(Boolean).length;
    assert.ok(lost <= 40, `${lost} words were lost`);
    assert.equal(history[3].content, 'from the queue');

    const [askedMango] = await Promise.all([countAsked('mango')]);
    assert.equal(askedMango, 1, 'the interrupted turn was not run again');
    const next = await mona.post(`/api/chats/${chat}/messages`, { content: 'what did I say before?' });
    assert.match(next.body.message.content, /mango/);
    assert.ok((await toldToModel()).includes(partial.trim()), 'the model knows the part that was said');

    const afterwards = await all(follow(mona, turn.id));
    assertWhole(afterwards);
    assert.equal(afterwards.at(-1)?.event, 'turn.interrupted');
    assert.equal(textOf(afterwards), partial);
  });

  it('corrects a follower who had seen more than was stored', async () => {
    const chat = await newChat(mona);
    const turn = await startTurn(mona, chat, LONG);
    const seen: SseEvent[] = [];
    const reading = readAsFarAsItGoes(follow(mona, turn.id), seen);
    await until('a good part was said', () => seen.length > 30);
    await gateway.kill();
    await reading;
    await gateway.start();
    const last = seen.at(-1)?.id ?? 0;
    // As if he had seen even more: frames of the last moment, which no store has.
    for (const after of [last, last + 30]) {
      const rest = await all(follow(mona, turn.id, { after }));
      assert.equal(rest.at(-1)?.event, 'turn.interrupted');
      assert.equal(rest.filter(isEnd).length, 1);
      const partial = (await historyOf(mona, chat))[1].content;
      assert.equal(textOf([...seen, ...rest]), partial, 'the deltas after the last reset are what is kept');
      const ids = rest.map(({ id }) => id ?? 0);
      assert.deepEqual(
        ids,
        [...ids].sort((a, b) => a - b),
      );
      assert.ok((ids[0] ?? 0) > after, 'numbers go on growing');
      const done = await mona.fetch(`/api/turns/${turn.id}/events`, {
        headers: { 'last-event-id': String(ids.at(-1)) },
      });
      assert.equal(done.status, 204, 'one who has the correction is told to stop');
    }
  });

  /** How often the model was asked something that ends with a word. */
  async function countAsked(word: string): Promise<number> {
    const answer = await fetch(`${standIn.url}/_control/requests`);
    const { modelRequests } = (await answer.json()) as { modelRequests: { messages: unknown[] }[] };
    return modelRequests.filter(({ messages }) => JSON.stringify(messages.at(-1)).includes(word)).length;
  }
});

describe('A gateway told to go', { timeout: 90_000 }, () => {
  afterEach(close);

  it('lets the running turn end, takes no new one, closes its streams, and exits 0 in time', async () => {
    await open({ SHUTDOWN_GRACE_SECONDS: '15' });
    const chat = await newChat(mona);
    const other = await newChat(mona);
    await mona.post(`/api/chats/${chat}/messages`, { content: 'warm' });
    const devices = readAsFarAsItGoes(mona.stream('/api/events'), []);
    const turn = await startTurn(mona, chat, '[[tokens:60]] [[pace:25]]');
    const queued = await startTurn(mona, chat, '[[say:after the restart]]', { delivery: 'queue' });
    const waiting = mona.post(`/api/chats/${other}/messages`, { content: '[[tokens:40]] [[pace:25]]' });
    const following = all(follow(mona, turn.id));
    await readUntil(follow(mona, turn.id), ({ id }) => (id ?? 0) > 5);
    const leaving = gateway.terminate();
    await until('it is not ready', async () => (await mona.fetch('/readyz')).status === 503);
    const refused = await mona.post(`/api/chats/${other}/messages`, { content: 'too late' });
    assert.equal(refused.status, 503, refused.text);
    assert.equal(refused.body.code, 'shutting_down');
    assert.ok(refused.headers.get('retry-after'));
    assert.equal((await following).at(-1)?.event, 'turn.completed');
    assert.equal((await waiting).status, 200);
    await devices;
    const { code, ms } = await leaving;
    assert.equal(code, 0, gateway.told.join('\n'));
    assert.ok(ms < 15_000, `${ms.toFixed(0)} ms`);
    assert.deepEqual(gateway.orphans(), []);
    await gateway.start();
    assert.equal((await endOf(mona, queued.id)).status, 'completed');
    assert.equal((await historyOf(mona, chat)).at(-1).content, 'after the restart');
  });

  it('interrupts what does not end in its grace, with what was said, and still exits 0 in time', async () => {
    await open({ SHUTDOWN_GRACE_SECONDS: '5' });
    const chat = await newChat(mona);
    const turn = await startTurn(mona, chat, '[[tokens:2000]] [[pace:25]]');
    const following = all(follow(mona, turn.id));
    await readUntil(follow(mona, turn.id), ({ id }) => (id ?? 0) > 5);
    const { code, ms } = await gateway.terminate();
    assert.equal(code, 0, gateway.told.join('\n'));
    assert.ok(ms < 5_500, `${ms.toFixed(0)} ms`);
    const events = await following;
    assert.equal(events.at(-1)?.event, 'turn.interrupted');
    await gateway.start();
    const [, partial] = await historyOf(mona, chat);
    assert.equal(partial.content, textOf(events), 'nothing of it is lost');
    const next = await mona.post(`/api/chats/${chat}/messages`, { content: 'go on' });
    assert.equal(next.status, 200, next.text);
  });
});

describe('A full disk', { timeout: 60_000 }, () => {
  beforeEach(() => open());
  afterEach(close);

  it('refuses a message within 2 s, saves nothing of it, and goes on when there is room', async () => {
    const chat = await newChat(mona);
    await mona.post(`/api/chats/${chat}/messages`, { content: 'warm' });
    // No file of the process may grow beyond the smallest of them: every write of the database fails.
    limitFileSize(
      String(Math.min(...['gateway.db', 'gateway.db-wal'].map((name) => statSync(join(gateway.dataDir, name)).size))),
    );
    const { value: answer, ms } = await timed(
      mona.post(`/api/chats/${chat}/messages`, { content: 'x'.repeat(200_000) }),
    );
    assert.equal(answer.status, 503, answer.text);
    assert.equal(answer.body.code, 'store_unavailable');
    assert.ok(Number(answer.headers.get('retry-after')) <= 2);
    assert.ok(ms < 2_300, `${ms.toFixed(0)} ms`);
    assert.equal((await historyOf(mona, chat)).length, 2, 'reading goes on, nothing was accepted');
    limitFileSize('unlimited');
    const healed = await mona.post(`/api/chats/${chat}/messages`, { content: 'healed' });
    assert.equal(healed.status, 200, healed.text);
  });

  function limitFileSize(size: string): void {
    execFileSync('prlimit', ['--pid', String(gateway.pid), `--fsize=${size}:unlimited`]);
  }
});

describe('Torture', { timeout: 120_000 }, () => {
  it('keeps every promise over three rounds of SIGKILL', async () => {
    const figures = await torture({ rounds: 3, people: 3, seed: 7 });
    assert.deepEqual(brokenPromises(figures), [], figures.evidence.join('\n').slice(0, 4_000));
    assert.equal(figures.rounds, 3);
  });
});
