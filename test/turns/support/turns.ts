/** Words that tests of turns share: start one, follow it, read what it said, wait for a condition. */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Browser, SseEvent } from '../../support/http-browser.ts';

/** Longest wait for anything; generous, because other work loads the machine. */
export const PATIENCE_MS = 20_000;

const TERMINAL = /^turn\.(completed|failed|cancelled|interrupted)$/;

/** A chat of one's own. */
export async function newChat(browser: Browser, body: Record<string, unknown> = {}): Promise<string> {
  const answer = await browser.post('/api/chats', body);
  assert.equal(answer.status, 201, answer.text);
  return answer.body.id;
}

/** Starts a turn without waiting for it. */
export async function startTurn(
  browser: Browser,
  chatId: string,
  content: string,
  extra: Record<string, unknown> = {},
  // biome-ignore lint/suspicious/noExplicitAny: tests read whatever the answer carries
): Promise<any> {
  const answer = await browser.post(
    `/api/chats/${chatId}/messages`,
    { content, ...extra },
    { prefer: 'respond-async' },
  );
  assert.equal(answer.status, 202, answer.text);
  assert.equal(answer.headers.get('location'), `/api/turns/${answer.body.turn.id}`);
  return answer.body.turn;
}

/** Events of a turn, from the start or after the frame `after`. */
export function follow(
  browser: Browser,
  turnId: string,
  options: { after?: number; signal?: AbortSignal } = {},
): AsyncGenerator<SseEvent> {
  return browser.stream(`/api/turns/${turnId}/events`, {
    headers: options.after === undefined ? {} : { 'last-event-id': String(options.after) },
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
}

/** The text that events say: the deltas after the last reset, joined. */
export function textOf(events: readonly SseEvent[]): string {
  const start = events.findLastIndex(({ event }) => event === 'message.reset') + 1;
  return events
    .slice(start)
    .filter(({ event }) => event === 'message.delta')
    .map(({ data }) => data.text)
    .join('');
}

/** Whether an event ends a stream. */
export function isEnd({ event }: SseEvent): boolean {
  return TERMINAL.test(event);
}

/** Reads until `found`, then leaves. @returns what came, that one last */
export async function readUntil(
  events: AsyncGenerator<SseEvent>,
  found: (event: SseEvent) => boolean,
): Promise<SseEvent[]> {
  const seen: SseEvent[] = [];
  for await (const event of events) {
    seen.push(event);
    if (found(event)) break;
  }
  return seen;
}

/** Asserts what every complete stream of a turn keeps: numbers without gap, exactly one end, the last. */
export function assertWhole(events: readonly SseEvent[], first = 1): void {
  assert.deepEqual(
    events.map(({ id }) => id),
    events.map((_, index) => first + index),
    'frames are numbered without a gap',
  );
  assert.deepEqual(
    events.filter(isEnd).map(({ id }) => id),
    [events.at(-1)?.id],
    'exactly one end, the last',
  );
}

/** Waits for `condition` to give something that is not null, undefined or false. */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  ms = PATIENCE_MS,
): Promise<Exclude<T, null | undefined | false>> {
  const deadline = performance.now() + ms;
  for (;;) {
    const value = await condition();
    if (value !== null && value !== undefined && value !== false) return value as Exclude<T, null | undefined | false>;
    assert.ok(performance.now() < deadline, `in ${ms} ms: ${what}`);
    await delay(20);
  }
}

/** The turn once it has ended. */
// biome-ignore lint/suspicious/noExplicitAny: tests read whatever the answer carries
export function endOf(browser: Browser, turnId: string): Promise<any> {
  return until(`the end of turn ${turnId}`, async () => {
    const { body } = await browser.get(`/api/turns/${turnId}`);
    return body.endedAt === null || body.endedAt === undefined ? null : body;
  });
}

/** The history of a chat, oldest first. */
// biome-ignore lint/suspicious/noExplicitAny: tests read whatever the answer carries
export async function historyOf(browser: Browser, chatId: string): Promise<any[]> {
  const answer = await browser.get(`/api/chats/${chatId}/messages?limit=100`);
  assert.equal(answer.status, 200, answer.text);
  return answer.body.items;
}

/** Milliseconds that `work` took, with its value. */
export async function timed<T>(work: Promise<T>): Promise<{ value: T; ms: number }> {
  const start = performance.now();
  const value = await work;
  return { value, ms: performance.now() - start };
}
