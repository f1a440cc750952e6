/** Compares what people were told with what is there after a crash: over HTTP, as they see it, and in the database itself. */
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { canaryOf, note, type Person, post, type Sent } from './torture-users.ts';

/** What was found; every count but the first two is a broken promise. */
export interface Figures {
  rounds: number;
  acknowledged: number;
  lost: number;
  doubled: number;
  /** Text that was seen and is not kept: the longest, in characters and in milliseconds of its saying. */
  longestLostChars: number;
  longestLostMs: number;
  /** Kept text that is not how the seen text begins, or a corrected follower whose text is not the kept one. */
  wrongTexts: number;
  leftRunning: number;
  foreignCanaries: number;
  orphans: number;
  disagreeingContexts: number;
  /** What there is to see of a broken promise, for whoever has to find out why. */
  readonly evidence: string[];
}

/** How long queued turns may take to run after a restart. */
const SETTLE_MS = 60_000;

/** How much of what was seen may be lost, in milliseconds of its saying. */
export const LOSS_LIMIT_MS = 1_000;

/** All zero. */
export function noFigures(): Figures {
  return {
    rounds: 0,
    acknowledged: 0,
    lost: 0,
    doubled: 0,
    longestLostChars: 0,
    longestLostMs: 0,
    wrongTexts: 0,
    leftRunning: 0,
    foreignCanaries: 0,
    orphans: 0,
    disagreeingContexts: 0,
    evidence: [],
  };
}

/** The promises that do not hold. */
export function brokenPromises(figures: Figures): string[] {
  const { rounds, acknowledged, longestLostChars, longestLostMs, evidence, ...mustBeZero } = figures;
  const broken = Object.entries(mustBeZero)
    .filter(([, count]) => count !== 0)
    .map(([name, count]) => `${name} = ${count}`);
  if (longestLostMs > LOSS_LIMIT_MS) broken.push(`longestLostMs = ${longestLostMs}`);
  if (rounds > 0 && acknowledged === 0) broken.push('nothing was acknowledged: nothing was tried');
  return broken;
}

/** Sends again, with the same key, what got no answer; waits until nothing runs. */
export async function settle(people: readonly Person[], sent: readonly Sent[], dataDir: string): Promise<number> {
  await idle(dataDir);
  for (const one of sent.filter(({ acknowledged, refused }) => !acknowledged && !refused)) {
    const person = people.find(({ login }) => login === one.login);
    if (person !== undefined) await post(person, one, { prefer: 'respond-async' });
  }
  return idle(dataDir);
}

/** Waits until no turn is active. @returns how many still are when patience ends */
async function idle(dataDir: string): Promise<number> {
  const deadline = performance.now() + SETTLE_MS;
  for (;;) {
    const active = count(dataDir, 'select count(*) as n from turns where ended_at is null');
    if (active === 0 || performance.now() > deadline) return active;
    await delay(50);
  }
}

/** Everything one round has to answer for. */
export async function checkRound(
  people: readonly Person[],
  sent: readonly Sent[],
  place: { dataDir: string; figures: Figures },
): Promise<void> {
  const { figures, dataDir } = place;
  for (const person of people) {
    const mine = sent.filter(({ login }) => login === person.login);
    for (const chatId of person.chats) {
      const history = await historyOf(person, chatId);
      for (const one of mine.filter((candidate) => candidate.chatId === chatId)) checkMessage(one, history, figures);
    }
    for (const one of mine.filter(({ frames, turnId }) => frames.length > 0 && turnId !== null)) {
      await checkText(person, one, figures);
    }
  }
  figures.doubled += count(
    dataDir,
    `select count(*) as n from (
      select 1 from messages where role = 'user' group by chat_id, content having count(*) > 1
      union all select 1 from messages where role = 'assistant' group by turn_id having count(*) > 1)`,
  );
}

/** One entry of a history, as the API gives it. */
export interface Entry {
  readonly role: string;
  readonly content: string;
  readonly turnId: string;
}

/** A chat's whole history, page by page. */
export async function historyOf(person: Person, chatId: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  let cursor = '';
  do {
    const answer = await person.browser.get(`/api/chats/${chatId}/messages?limit=100${cursor && `&cursor=${cursor}`}`);
    if (answer.status !== 200) throw new Error(`history: ${answer.status} ${answer.text}`);
    entries.push(...answer.body.items);
    cursor = answer.body.nextCursor ?? '';
  } while (cursor !== '');
  return entries;
}

function checkMessage(one: Sent, history: readonly Entry[], figures: Figures): void {
  const found = history.filter(({ role, content }) => role === 'user' && content === one.content).length;
  if (one.acknowledged) figures.acknowledged += 1;
  if (one.acknowledged && found === 0) figures.lost += 1;
  if (one.refused && !one.acknowledged && found > 0) figures.doubled += 1;
  if ((one.acknowledged && found === 0) || (one.refused && found > 0)) {
    figures.evidence.push(`acknowledged ${one.acknowledged}, refused ${one.refused}, found ${found}: ${one.content}`);
  }
}

/** What was seen of an answer against what is kept of it; and whether coming back makes the follower see what is kept. */
async function checkText(person: Person, one: Sent, figures: Figures): Promise<void> {
  const seenBefore = one.frames.length;
  const turn = (await person.browser.get(`/api/turns/${one.turnId}`)).body;
  const history = await historyOf(person, one.chatId);
  const kept = history.find(({ role, turnId }) => role === 'assistant' && turnId === one.turnId)?.content ?? '';
  const seen = textIn(one);
  if (!seen.startsWith(kept) && !kept.startsWith(seen)) {
    figures.wrongTexts += 1;
    figures.evidence.push(`turn ${one.turnId} (${turn.status}) seen: ${seen}\nkept: ${kept}`);
  }
  if (seen.length > kept.length) noteLoss(one, kept.length, figures);
  const whole = one.frames.some(({ event }) => event.startsWith('turn.') && event !== 'turn.started');
  if (!whole) {
    const last = one.frames.at(-1)?.id ?? 0;
    const rest = person.browser.stream(`/api/turns/${one.turnId}/events`, {
      headers: { 'last-event-id': String(last) },
    });
    for await (const event of rest) note(one, event);
    const ends = one.frames.filter(({ event }) => event === `turn.${turn.status}`).length;
    if (ends !== 1 || textIn(one) !== kept || hasGap(one, seenBefore)) {
      figures.wrongTexts += 1;
      const frames = one.frames.map(({ id, event }) => `${id} ${event}`).join(', ');
      figures.evidence.push(
        `turn ${one.turnId} (${turn.status}) followed to: ${textIn(one)}\nkept: ${kept}\n${frames}`,
      );
    }
  }
}

/** The deltas after the last reset, joined. */
function textIn({ frames }: Sent): string {
  const start = frames.findLastIndex(({ event }) => event === 'message.reset') + 1;
  return frames
    .slice(start)
    .flatMap(({ event, text }) => (event === 'message.delta' ? [text] : []))
    .join('');
}

/** Frames follow one another, unless a correction began there. */
function hasGap({ frames }: Sent, seenBefore: number): boolean {
  return frames.some(({ id }, index) => {
    const before = frames[index - 1]?.id ?? id - 1;
    return id !== before + 1 && !(index === seenBefore && frames[index]?.event === 'message.reset');
  });
}

function noteLoss({ frames }: Sent, keptChars: number, figures: Figures): void {
  const deltas = frames.slice(frames.findLastIndex(({ event }) => event === 'message.reset') + 1);
  let position = 0;
  let lostSince: number | null = null;
  let lastAt = 0;
  for (const { event, text, at } of deltas) {
    if (event !== 'message.delta') continue;
    position += text.length;
    if (position > keptChars) lostSince ??= at;
    lastAt = at;
  }
  figures.longestLostChars = Math.max(figures.longestLostChars, position - keptChars);
  figures.longestLostMs = Math.max(figures.longestLostMs, Math.round(lastAt - (lostSince ?? lastAt)));
}

/** Everything a person can read, searched for what others said. */
export async function countForeign(person: Person, all: readonly Person[], sent: readonly Sent[]): Promise<number> {
  const others = all.filter(({ login }) => login !== person.login).map(({ login }) => canaryOf(login));
  const texts = sent
    .filter(({ login }) => login === person.login)
    .flatMap(({ frames }) => frames.map(({ text }) => text));
  for (const chatId of person.chats) texts.push(...(await historyOf(person, chatId)).map(({ content }) => content));
  return texts.filter((text) => others.some((canary) => text.includes(canary))).length;
}

function count(dataDir: string, sql: string): number {
  const db = new DatabaseSync(`${dataDir}/gateway.db`, { readOnly: true, timeout: 5_000 });
  try {
    return Number(db.prepare(sql).get()?.n ?? -1);
  } finally {
    db.close();
  }
}
