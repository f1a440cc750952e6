/** People who chat while gateways come and go: what they send, what they hear, and what they hear twice or never. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Browser, parseEvents, type SseEvent } from '../test/support/http-browser.ts';

/** What went right and wrong. */
export interface DeployFigures {
  requests: number;
  failed: number;
  turns: number;
  /** Streams that were cut and taken up again. */
  reconnects: number;
  /** Frames that never came. */
  gaps: number;
  /** Frames that came twice, turns with more than one end, and messages that are in the history twice. */
  doubled: number;
  /** Messages that were acknowledged and are not in the history, or whose answer is not. */
  lost: number;
  /** From the cut of a stream to its next byte, ms. */
  longestReconnectMs: number;
  /** What failed, the first of it. */
  readonly evidence: string[];
}

/** Nothing yet. */
export function noDeployFigures(): DeployFigures {
  return {
    requests: 0,
    failed: 0,
    turns: 0,
    reconnects: 0,
    gaps: 0,
    doubled: 0,
    lost: 0,
    longestReconnectMs: 0,
    evidence: [],
  };
}

const TERMINAL = /^turn\.(completed|failed|cancelled|interrupted)$/;
const MOST_EVIDENCE = 20;
/** A client waits so long before it comes back, as the gateway's streams ask for. */
const RETRY_MS = 250;
const TURN = '[[tokens:60]] [[pace:40]]';

/** Chats in turn by stream and by JSON, and reads between, until `stop`; then looks whether all of it is there. */
export async function chatOn(browser: Browser, figures: DeployFigures, stop: AbortSignal): Promise<void> {
  const chat = await counted(figures, 'POST /api/chats', browser.post('/api/chats', {}));
  if (chat === null) return;
  const talk: Talk = { browser, chatId: chat.body.id, figures, said: [] };
  for (let round = 0; !stop.aborted; round += 1) {
    if (round % 3 === 0) await ask(talk);
    else await follow(talk, round % 3 === 1 ? null : await begin(talk));
    await counted(figures, 'GET messages', browser.get(`/api/chats/${talk.chatId}/messages?limit=5`));
    await counted(figures, 'GET chats', browser.get('/api/chats'));
  }
  await lookBack(talk);
}

/** One chat, as its person remembers it. */
interface Talk {
  readonly browser: Browser;
  readonly chatId: string;
  readonly figures: DeployFigures;
  /** What was acknowledged, in order. */
  readonly said: string[];
}

async function lookBack({ browser, chatId, figures, said }: Talk): Promise<void> {
  const history: { role: string; content: string; status: string }[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const path: string = `/api/chats/${chatId}/messages?limit=100${cursor === '' ? '' : `&cursor=${cursor}`}`;
    const page = await counted(figures, 'GET history', browser.get(path));
    if (page === null) return;
    history.push(...page.body.items);
    cursor = page.body.nextCursor;
  }
  const answered = history.filter(({ role }, index) => role === 'user' && history[index + 1]?.role === 'assistant');
  const found = answered.map(({ content }) => content);
  figures.lost += said.filter((content) => !found.includes(content)).length;
  figures.doubled += history.filter(({ role }) => role === 'user').length - new Set(found).size;
  figures.lost += history.filter(({ status }) => status !== 'complete').length;
}

/** The next message of a chat, which nobody said before. */
function nextMessage({ said }: Talk): string {
  return `${TURN} number ${said.length + 1}`;
}

/** Keeps a tab's stream open until `stop`; it has to be there again soon after each cut. */
export async function listenOn(browser: Browser, figures: DeployFigures, stop: AbortSignal): Promise<void> {
  let cutAt: number | null = null;
  while (!stop.aborted) {
    try {
      const response = await browser.fetch('/api/events', { headers: { accept: 'text/event-stream' }, signal: stop });
      figures.requests += 1;
      if (response.status !== 200 || response.body === null) throw new Error(`GET /api/events ${response.status}`);
      cutAt = reconnected(figures, cutAt);
      for await (const _ of response.body) if (stop.aborted) return;
    } catch (error) {
      if (stop.aborted) return;
      // A cut stream ends with or without a word of the socket; a refusal is a failure.
      if (String(error).includes('GET /api/events')) fail(figures, String(error));
    }
    cutAt = performance.now();
    await delay(RETRY_MS, undefined, { signal: stop }).catch(() => undefined);
  }
}

async function ask(talk: Talk): Promise<void> {
  const { browser, chatId, figures } = talk;
  const content = nextMessage(talk);
  const answer = await counted(figures, 'POST messages', browser.post(`/api/chats/${chatId}/messages`, { content }));
  if (answer === null) return;
  talk.said.push(content);
  figures.turns += 1;
  if (answer.body.turn?.status !== 'completed') fail(figures, `a turn ended ${answer.body.turn?.status}`);
}

/** A background turn, which either gateway may run. */
async function begin(talk: Talk): Promise<string | null> {
  const content = nextMessage(talk);
  const path = `/api/chats/${talk.chatId}/messages`;
  const posting = talk.browser.post(path, { content }, { prefer: 'respond-async' });
  const answer = await counted(talk.figures, 'POST messages, async', posting);
  if (answer === null) return null;
  talk.said.push(content);
  return answer.body.turn.id;
}

/** @param begun the turn to follow; null: a new one, by the stream of its message */
async function follow(talk: Talk, begun: string | null): Promise<void> {
  const { figures } = talk;
  const seen: SseEvent[] = [];
  const content = nextMessage(talk);
  let turnId = begun;
  let cutAt: number | null = null;
  figures.turns += 1;
  while (!seen.some(({ event }) => TERMINAL.test(event))) {
    figures.requests += 1;
    try {
      const response: Response = await open(talk, turnId, { after: seen.at(-1)?.id ?? 0, content });
      if (response.status !== 200 || response.body === null) {
        fail(figures, `stream: ${response.status} ${await response.text()}`);
        return;
      }
      cutAt = reconnected(figures, cutAt);
      if (turnId === null) talk.said.push(content);
      turnId ??= response.headers.get('content-location')?.split('/').at(-1) ?? null;
      for await (const event of parseEvents(response.body)) seen.push(event);
    } catch (error) {
      if (turnId === null) {
        fail(figures, `stream: ${String(error)}`);
        return;
      }
    }
    cutAt = performance.now();
    if (!seen.some(({ event }) => TERMINAL.test(event))) await delay(RETRY_MS);
  }
  judge(seen, figures);
}

function open(
  { browser, chatId }: Talk,
  turnId: string | null,
  { after, content }: { after: number; content: string },
): Promise<Response> {
  const headers = { accept: 'text/event-stream' };
  if (turnId !== null)
    return browser.fetch(`/api/turns/${turnId}/events`, { headers: { ...headers, 'last-event-id': String(after) } });
  return browser.fetch(`/api/chats/${chatId}/messages`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ content }),
  });
}

function judge(seen: readonly SseEvent[], figures: DeployFigures): void {
  const ids = seen.map(({ id }) => id ?? 0);
  const distinct = new Set(ids);
  figures.doubled += ids.length - distinct.size + seen.filter(({ event }) => TERMINAL.test(event)).length - 1;
  figures.gaps += Math.max(...ids) - distinct.size;
  const end = seen.at(-1)?.event;
  if (end !== 'turn.completed') fail(figures, `a stream ended with ${end}`);
}

function reconnected(figures: DeployFigures, cutAt: number | null): null {
  if (cutAt !== null) {
    figures.reconnects += 1;
    figures.longestReconnectMs = Math.max(figures.longestReconnectMs, performance.now() - cutAt);
  }
  return null;
}

async function counted<T extends { status: number; text: string }>(
  figures: DeployFigures,
  what: string,
  answering: Promise<T>,
): Promise<T | null> {
  figures.requests += 1;
  try {
    const answer = await answering;
    if (answer.status < 400) return answer;
    fail(figures, `${what}: ${answer.status} ${answer.text}`);
  } catch (error) {
    fail(figures, `${what}: ${String(error)}`);
  }
  return null;
}

function fail(figures: DeployFigures, what: string): void {
  figures.failed += 1;
  if (figures.evidence.length < MOST_EVIDENCE) figures.evidence.push(what);
}
