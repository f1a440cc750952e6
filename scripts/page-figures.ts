/**
 * Measures the page in a real Chromium against a real gateway with the stand-in, and prints the figures beside their goals:
 *   node scripts/page-figures.ts [rounds]
 * The time until one can write is the median over the rounds (default 5), each with a browser profile of its own, so that
 * nothing is cached. On a busy machine times of the clock say more about the machine: its load is printed with them, and the
 * CPU that the page's main thread took.
 */
import { readdir, stat } from 'node:fs/promises';
import { availableParallelism, loadavg } from 'node:os';
import { openBrowser, say, signIn, visit, wholeAnswer } from '../test/support/browser.ts';
import { type BrowserGateway, startBrowserGateway } from '../test/support/browser-gateway.ts';
import { importChat } from '../test/support/browser-seed.ts';
import { parseEvents } from '../test/support/http-browser.ts';
import { type MainThread, traceMainThread } from './page-figures-trace.ts';

interface Figure {
  readonly name: string;
  readonly value: string;
  readonly goal: string;
}

type Visited = Awaited<ReturnType<typeof visit>>;

const ROUNDS = Number(process.argv[2] ?? 5);
const MESSAGES = 2_000;
const TOKENS = 5_000;
const ASSETS = new URL('../src/web/public/assets/', import.meta.url);

/** Prose, code and a table: what an answer looks like. */
const RICH = Array.from(
  { length: 60 },
  (_, part) =>
    `## Part ${part}\n\nSome words about it, with \`code\` and **weight**, in a sentence or two.\n\n- one\n- two\n\n\`\`\`ts\nexport const part${part} = (n: number): string => String(n * ${part});\n\`\`\`\n\n| a | b |\n|---|---|\n| ${part} | ${part * 2} |`,
).join('\n\n');

const [gateway, browser] = await Promise.all([startBrowserGateway(), openBrowser()]);
try {
  const mona = await visit(browser, [gateway.url, gateway.standIn.url]);
  await signIn(mona.page, gateway.url, 'mona');
  const figures = [
    ...(await sizes()),
    await interactive(mona),
    ...(await longChat(mona)),
    await stream(mona, `plain words, ${TOKENS} tokens`, `[[tokens:${TOKENS}]]`),
    await stream(
      mona,
      'Markdown with code and tables',
      `[[say:${RICH.replace(/[\\\]]/g, '\\$&').replaceAll('\n', '\\n')}]]`,
    ),
  ];
  const width = Math.max(...figures.map(({ name }) => name.length));
  console.log(`${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)}`);
  for (const { name, value, goal } of figures) console.log(`${name.padEnd(width)}  ${value}  (${goal})`);
} finally {
  await browser.close();
  await gateway.close();
}

async function sizes(): Promise<Figure[]> {
  const names = (await readdir(ASSETS)).filter((name) => name.endsWith('.js.gz'));
  const bytes = async (pattern: RegExp) => {
    const all = await Promise.all(
      names.filter((name) => pattern.test(name)).map((name) => stat(new URL(name, ASSETS))),
    );
    return all.reduce((sum, { size }) => sum + size, 0);
  };
  const first = await bytes(/^index-/);
  const highlighter = await bytes(/^highlighter-/);
  const grammars = await bytes(/^(typescript|python|bash)-/);
  const kb = (size: number) => `${(size / 1000).toFixed(1)} kB`;
  return [
    { name: 'script, gzip, until one can write', value: kb(first), goal: 'at most 80 kB' },
    {
      name: 'script, gzip, with code in TypeScript, Python and Bash on the screen',
      value: kb(first + highlighter + grammars),
      goal: 'at most 80 kB',
    },
  ];
}

/** From the address to a message box that takes words and a list of chats that is there. */
async function interactive(mona: Visited): Promise<Figure> {
  const cookies = await mona.context.cookies();
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const { page, context } = await visit(browser, [gateway.url, gateway.standIn.url]);
    await context.addCookies(cookies);
    await page.addInitScript(noteWhenReady);
    await page.goto(gateway.url);
    await page.waitForFunction(() => 'readyAt' in globalThis);
    times.push(await page.evaluate(() => (globalThis as unknown as { readyAt: number }).readyAt));
    await context.close();
  }
  return { name: 'interactive', value: `${median(times).toFixed(0)} ms`, goal: 'less than 1,000 ms' };
}

function noteWhenReady(): void {
  new MutationObserver((_records, observer) => {
    if (document.activeElement?.id !== 'composer' || document.querySelector('.chat-list .empty, .chat-row') === null)
      return;
    observer.disconnect();
    Object.assign(globalThis, { readyAt: performance.now() });
  }).observe(document, { childList: true, subtree: true, attributes: true });
}

async function longChat(mona: Visited): Promise<Figure[]> {
  const chatId = await importChat(gateway.url, mona.context, MESSAGES / 2, answerOf);
  const cookies = await mona.context.cookies();
  const { page, context } = await visit(browser, [gateway.url, gateway.standIn.url]);
  await context.addCookies(cookies);
  const opening = await traceMainThread(page);
  const startedAt = Date.now();
  await page.goto(`${gateway.url}/c/${chatId}`);
  await page
    .locator('.bubble')
    .getByText(`Question ${MESSAGES / 2} `)
    .waitFor();
  const openedMs = Date.now() - startedAt;
  const opened = await opening();
  await page.locator('.scroll').hover();
  const scrolling = await traceMainThread(page);
  const scrollStartedAt = Date.now();
  for (let more = true; more; more = await page.evaluate(afterFrame)) await page.mouse.wheel(0, -1_500);
  const scrolledMs = Date.now() - scrollStartedAt;
  const scrolled = await scrolling();
  const turns = await page.locator('.turns .turn').count();
  await context.close();
  if (turns !== MESSAGES / 2) throw new Error(`Only ${turns} turns came into sight`);
  return [
    {
      name: `${MESSAGES} messages: shown at the end`,
      value: `${openedMs} ms, ${taskText(opened)}`,
      goal: 'at once',
    },
    {
      name: `${MESSAGES} messages: scrolled to the beginning, 1,500 pixels per frame`,
      value: `${scrolledMs} ms, ${taskText(scrolled)}`,
      goal: 'no task over 50 ms',
    },
  ];
}

/** One look per frame, by the page itself: what a tool asks of it from outside would count as its work. */
function afterFrame(): Promise<boolean> {
  return new Promise((resolve) =>
    requestAnimationFrame(() => resolve(document.getElementsByClassName('older').length > 0)),
  );
}

/** Every fourth answer has code and a table. */
function answerOf(turn: number): string {
  const words = `Answer ${turn}: some words with \`code\` and **weight**, in a sentence or two, as answers have.`;
  if (turn % 4 !== 0) return words;
  const code = `\`\`\`ts\nexport const part${turn} = (n: number): string => String(n * ${turn});\n\`\`\``;
  return `${words}\n\n${code}\n\n- one\n- two\n\n| a | b |\n|---|---|\n| ${turn} | ${turn * 2} |`;
}

/** How far behind the gateway the page is when an answer ends that came as fast as it could. */
async function stream(mona: Visited, name: string, directive: string): Promise<Figure> {
  const { page, context } = await visit(browser, [gateway.url, gateway.standIn.url]);
  await context.addCookies(await mona.context.cookies());
  await page.goto(gateway.url);
  await say(page, 'begin');
  await wholeAnswer(page);
  const tracing = await traceMainThread(page);
  const started = page.waitForResponse(
    (response) => response.url().endsWith('/messages') && response.request().method() === 'POST',
  );
  await say(page, `Go ${directive}`);
  const turn = (await (await started).headerValue('content-location')) ?? '';
  const told = await plainReader(gateway, turn, await mona.context.cookies());
  await page.locator('.turn.newest .answer[aria-busy="false"]').waitFor({ timeout: 60_000 });
  const lag = Date.now() - told.endedAt;
  const traced = await tracing();
  await context.close();
  const seconds = (told.endedAt - told.firstAt) / 1_000;
  const cpu = Math.round((traced.cpuMs / told.deltas) * 1_000);
  return {
    name: `stream of ${name}`,
    value: `${Math.round(told.deltas / seconds)} tokens/s, ${cpu} ms of CPU per 1,000, whole ${Math.max(0, lag)} ms after the last, ${taskText(traced)}`,
    goal: '1,000 tokens/s without falling behind',
  };
}

/** Somebody who only reads the events: when the answer began and ended, as seen without a page. */
async function plainReader({ url }: BrowserGateway, turn: string, cookies: readonly { name: string; value: string }[]) {
  const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
  const response = await fetch(new URL(`${turn}/events`, url), { headers: { cookie, accept: 'text/event-stream' } });
  let [firstAt, deltas] = [0, 0];
  if (response.body === null) throw new Error('The turn has no events');
  for await (const { event } of parseEvents(response.body)) {
    if (event !== 'message.delta') continue;
    if (deltas === 0) firstAt = Date.now();
    deltas += 1;
  }
  return { firstAt, endedAt: Date.now(), deltas };
}

function taskText({ cpuMs, long, longCpu, longestMs, longestCpuMs }: MainThread): string {
  const count = long === 0 ? 'no task over 50 ms' : `${long} tasks over 50 ms by the clock, ${longCpu} by CPU`;
  return `${cpuMs.toFixed(0)} ms of CPU on the main thread, ${count}, longest ${longestMs.toFixed(0)} ms (${longestCpuMs.toFixed(0)} of CPU)`;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
