/** People under torture: they send, stream, queue, cancel and leave at random, and note what they were told. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Browser, SseEvent } from '../test/support/http-browser.ts';

/** One frame of text as it was seen. */
export interface SeenFrame {
  readonly id: number;
  readonly event: string;
  readonly text: string;
  /** Milliseconds of `performance.now()`. */
  readonly at: number;
}

/** One message and all its sender knows about it. */
export interface Sent {
  readonly login: string;
  readonly chatId: string;
  /** Unique: it is found again by it. */
  readonly content: string;
  readonly idempotencyKey: string;
  readonly body: Record<string, unknown>;
  /** A 2xx or a first frame was seen: from then on it must never be lost. */
  acknowledged: boolean;
  /** The answer was a refusal: it must not be there. */
  refused: boolean;
  turnId: string | null;
  readonly frames: SeenFrame[];
}

/** One person with their chats. */
export interface Person {
  readonly login: string;
  readonly browser: Browser;
  readonly chats: string[];
}

/** A repeatable source of chance (mulberry32). */
export function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** What marks a person's own words, so that one seen by someone else gives the leak away. */
export function canaryOf(login: string): string {
  return `canary-${login}-`;
}

/** Sends messages in one chat until `signal` aborts; whatever fails because the gateway died is only noted. */
export async function talk(person: Person, chatId: string, random: () => number, signal: AbortSignal): Promise<Sent[]> {
  const sent: Sent[] = [];
  while (!signal.aborted) {
    const roll = random();
    const work =
      roll < 0.5
        ? stream(person, chatId, random, { sent, signal })
        : roll < 0.75
          ? askAndWait(person, chatId, random, { sent, signal })
          : queueSome(person, chatId, random, { sent, signal });
    await work.catch(() => undefined);
    if (!signal.aborted) await delay(Math.floor(random() * 60));
  }
  return sent;
}

interface Notes {
  readonly sent: Sent[];
  readonly signal: AbortSignal;
}

function compose(person: Person, chatId: string, random: () => number, extra: Record<string, unknown>): Sent {
  const words = Array.from({ length: 5 + Math.floor(random() * 40) }, (_, index) => `word${index}`).join(' ');
  const pace = random() < 0.2 ? '' : ` [[pace:${1 + Math.floor(random() * 25)}]]`;
  const content = `${canaryOf(person.login)}${randomUUID()} ${words}${pace}`;
  return {
    login: person.login,
    chatId,
    content,
    idempotencyKey: randomUUID(),
    body: { content, ...extra },
    acknowledged: false,
    refused: false,
    turnId: null,
    frames: [],
  };
}

/** POSTs a message as it was composed; a second time it is a retry. */
export async function post(person: Person, one: Sent, headers: Record<string, string>): Promise<void> {
  const answer = await person.browser.post(`/api/chats/${one.chatId}/messages`, one.body, {
    'idempotency-key': one.idempotencyKey,
    ...headers,
  });
  if (answer.status < 300) one.acknowledged = true;
  else if (answer.body.turnId === undefined) one.refused = answer.status < 500;
  // A turn that failed or was interrupted answers its problem; the message itself was taken.
  else if (answer.body.code !== 'turn_running') one.acknowledged = true;
  else one.refused = true;
  one.turnId = answer.body.turn?.id ?? (one.acknowledged ? answer.body.turnId : null) ?? null;
}

async function stream(person: Person, chatId: string, random: () => number, { sent, signal }: Notes): Promise<void> {
  const one = compose(person, chatId, random, random() < 0.2 ? { delivery: 'steer' } : {});
  sent.push(one);
  const leaveAfter = random() < 0.2 ? 3 + Math.floor(random() * 20) : Number.POSITIVE_INFINITY;
  const cancelAfter = random() < 0.25 ? 2 + Math.floor(random() * 20) : Number.POSITIVE_INFINITY;
  const events = person.browser.stream(`/api/chats/${chatId}/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': one.idempotencyKey },
    body: JSON.stringify(one.body),
  });
  try {
    for await (const event of events) {
      note(one, event);
      if (one.frames.length === cancelAfter) void cancel(person, one);
      if (one.frames.length >= leaveAfter) break;
    }
  } catch (error) {
    if (/^4\d\d:/.test((error as Error).message)) one.refused = true;
    else if (!signal.aborted) throw error;
  }
}

/** Notes a frame of the message's turn. */
export function note(one: Sent, { id, event, data }: SseEvent): void {
  one.acknowledged = true;
  one.turnId ??= data.turn?.id ?? null;
  const text =
    event === 'message.delta' ? String(data.text) : event === 'message.completed' ? data.message.content : '';
  one.frames.push({ id: id ?? 0, event, text, at: performance.now() });
}

async function cancel(person: Person, one: Sent): Promise<void> {
  await person.browser.post(`/api/turns/${one.turnId}/cancel`).catch(() => undefined);
}

async function askAndWait(person: Person, chatId: string, random: () => number, { sent }: Notes): Promise<void> {
  const one = compose(person, chatId, random, {});
  sent.push(one);
  await post(person, one, {});
}

async function queueSome(person: Person, chatId: string, random: () => number, { sent }: Notes): Promise<void> {
  for (let count = 1 + Math.floor(random() * 3); count > 0; count -= 1) {
    const one = compose(person, chatId, random, { delivery: 'queue' });
    sent.push(one);
    await post(person, one, { prefer: 'respond-async' });
    if (random() < 0.2) void cancel(person, one);
  }
}
