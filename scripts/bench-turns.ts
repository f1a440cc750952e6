/** P1, P2, P4, P9: turns beside the bare SDK. P3: beside the guide's own backend. */
import { CopilotClient, type CopilotSession, RuntimeConnection } from '@github/copilot-sdk';
import type { Browser } from '../test/support/http-browser.ts';
import { CONNECTION_TOKEN, type Extent, type Figure, type Ground, median, paired } from './bench-ground.ts';
import { post } from './bench-http.ts';

const PEOPLE = ['mona', 'hubot', 'octavia', 'lovelace'];
const IN_FLIGHT = 32;
/** Chats on either side before the clock runs: a process that has just started compiles as it goes. */
const WARMING_CHATS = 16;
/** Of the gateway's event-loop monitor. */
const SAMPLING_MS = 10;
const ms = (value: number) => `${value.toFixed(1)} ms`;

async function newChat(browser: Browser): Promise<string> {
  const { body } = await browser.post('/api/chats', { model: 'gpt-5.4' });
  return `/api/chats/${body.id}/messages`;
}

async function say(browser: Browser, path: string, accept?: string): Promise<{ whole: number; first: number }> {
  const answer = await post(browser, path, { content: 'Hello' }, accept);
  if (answer.status !== 200) throw new Error(`a turn answered ${answer.status}`);
  return answer;
}

async function bareTurn(session: CopilotSession): Promise<{ whole: number; first: number }> {
  const begun = performance.now();
  let first = 0;
  const off = session.on('assistant.message_delta', () => {
    first ||= performance.now() - begun;
  });
  await session.sendAndWait('Hello');
  off();
  return { whole: performance.now() - begun, first };
}

async function medianOf(count: number, turn: () => Promise<number>): Promise<number> {
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) times.push(await turn());
  return median(times);
}

/** One warm chat, turn after turn. */
export async function warmTurns(ground: Ground, { rounds, quick }: Extent): Promise<Figure[]> {
  const turns = quick ? 5 : 12;
  const gateway = await ground.gateway();
  const mona = await gateway.signIn('mona');
  const client = await ground.bareClient();
  const streamed = (stream: boolean) => (stream ? 'text/event-stream' : undefined);
  for (let chat = 0; chat < (quick ? 2 : WARMING_CHATS); chat += 1) {
    const session = await ground.bareSession(client, 'mona', `warming-${chat}`);
    const path = await newChat(mona);
    for (let turn = 0; turn < turns; turn += 1) {
      await bareTurn(session);
      await say(mona, path, streamed(turn % 2 === 0));
    }
  }
  const measure = async (stream: boolean) => {
    const chat = await newChat(mona);
    const session = await ground.bareSession(client, 'mona', `bare-${stream}`);
    const accept = streamed(stream);
    const of = stream ? 'first' : 'whole';
    const ours = () => medianOf(turns, async () => (await say(mona, chat, accept))[of]);
    const other = () => medianOf(turns, async () => (await bareTurn(session))[of]);
    await ours();
    await other();
    return paired(rounds, ours, other);
  };
  const json = await measure(false);
  const sse = await measure(true);
  const added = sse.ours - sse.other;
  return [
    {
      ...{ id: 'P1', what: 'warm turn, JSON, p50', ours: ms(json.ours), other: `${ms(json.other)} (bare SDK)` },
      ...{ result: `${json.ratio.toFixed(2)} ×`, goal: '≤ 1.15 ×', ok: json.ratio <= 1.15 },
    },
    {
      ...{ id: 'P2', what: 'time to first token, SSE, p50', ours: ms(sse.ours), other: `${ms(sse.other)} (bare SDK)` },
      ...{ result: `+ ${ms(added)}`, goal: '≤ 3 ms more', ok: added <= 3 },
    },
  ];
}

/** 32 chats of 4 people at once, and the delay of the gateway's event loop meanwhile. */
export async function turnsAtOnce(ground: Ground, { rounds, quick }: Extent): Promise<Figure[]> {
  const span = quick ? 1_500 : 4_000;
  const gateway = await ground.gateway();
  const ours: (() => Promise<unknown>)[] = [];
  const bare: (() => Promise<unknown>)[] = [];
  for (const login of PEOPLE) {
    const browser = await gateway.signIn(login);
    const client = await ground.bareClient();
    for (let chat = 0; chat < IN_FLIGHT / PEOPLE.length; chat += 1) {
      const path = await newChat(browser);
      const session = await ground.bareSession(client, login, `${login}-${chat}`);
      ours.push(() => say(browser, path));
      bare.push(() => bareTurn(session));
    }
  }
  const rate = (turns: readonly (() => Promise<unknown>)[]) => () => turnsPerSecond(turns, span);
  await turnsPerSecond(ours, 500);
  await turnsPerSecond(bare, 500);
  const { ours: mine, other, ratio } = await paired(rounds, rate(ours), rate(bare));
  await loopDelay(gateway.url); // starts the count anew
  await turnsPerSecond(ours, span);
  const delay = await loopDelay(gateway.url);
  return [
    {
      ...{ id: 'P4', what: `turns per second at ${IN_FLIGHT} in flight`, ours: mine.toFixed(0) },
      ...{ other: `${other.toFixed(0)} (bare SDK, 4 runtimes each)`, result: `${ratio.toFixed(2)} ×` },
      ...{ goal: '≥ 0.95 ×', ok: ratio >= 0.95 },
    },
    {
      ...{ id: 'P9', what: `event-loop delay p99 at ${IN_FLIGHT} in flight`, ours: ms(delay), other: '' },
      ...{ result: ms(delay), goal: '≤ 20 ms', ok: delay <= 20 },
    },
  ];
}

async function turnsPerSecond(turns: readonly (() => Promise<unknown>)[], span: number): Promise<number> {
  const begun = performance.now();
  let done = 0;
  await Promise.all(
    turns.map(async (turn) => {
      while (performance.now() - begun < span) {
        await turn();
        done += 1;
      }
    }),
  );
  return (done / (performance.now() - begun)) * 1000;
}

/** Milliseconds, since it was asked last. Node counts from one sample to the next, so the span between them is taken off. */
async function loopDelay(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Math.max(0, Number(/^nodejs_eventloop_lag_p99_seconds (\S+)/m.exec(text)?.[1]) * 1000 - SAMPLING_MS);
}

/** Second and later turns over an external server: ours through HTTP, the guide's without any. */
export async function besideTheGuide(ground: Ground, { rounds, quick }: Extent): Promise<Figure[]> {
  const turns = quick ? 3 : 6;
  const { url } = await ground.server();
  const gateway = await ground.gateway({ CLI_URL: url, COPILOT_CONNECTION_TOKEN: CONNECTION_TOKEN });
  const mona = await gateway.signIn('mona');
  const chat = await newChat(mona);
  await say(mona, chat);
  const config = await ground.sessionConfig('hubot');
  await guideTurn(url, (client) => client.createSession({ sessionId: 'guide', ...config }));
  const { ours, other, ratio } = await paired(
    rounds,
    () => medianOf(turns, async () => (await say(mona, chat)).whole),
    () => medianOf(turns, () => guideTurn(url, (client) => client.resumeSession('guide', config))),
  );
  return [
    {
      ...{ id: 'P3', what: 'second and later turns, external server', ours: ms(ours) },
      ...{ other: `${ms(other)} (the guide's backend)`, result: `${(1 / ratio).toFixed(1)} × faster` },
      ...{ goal: '≥ 4 × faster', ok: 1 / ratio >= 4 },
    },
  ];
}

/** The guide's request: a client, the session, the message, stop. The token goes on the session, as SDK 1.0.14 asks for. */
async function guideTurn(url: string, open: (client: CopilotClient) => Promise<CopilotSession>): Promise<number> {
  const begun = performance.now();
  const connection = RuntimeConnection.forUri(url, { connectionToken: CONNECTION_TOKEN });
  const client = new CopilotClient({ connection, mode: 'empty' });
  await client.start();
  const session = await open(client);
  await session.sendAndWait('Hello');
  await client.stop();
  return performance.now() - begun;
}
