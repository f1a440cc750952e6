/**
 * Measures the page in a real Chromium against a real gateway with the stand-in, and prints the figures beside their goals:
 *   node scripts/page-figures.ts [rounds]
 * Times are medians over the rounds (default 5), each with a browser profile of its own, so that nothing is cached. They are
 * times of the clock: on a busy machine they say more about the machine, so its load is printed with them.
 */
import { readdir, stat } from 'node:fs/promises';
import { availableParallelism, loadavg } from 'node:os';
import { openBrowser, type Page, say, signIn, visit, wholeAnswer } from '../test/support/browser.ts';
import { type BrowserGateway, startBrowserGateway } from '../test/support/browser-gateway.ts';
import { seedChat } from '../test/support/browser-seed.ts';
import { parseEvents } from '../test/support/http-browser.ts';

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
  const chatId = await seedChat(gateway.url, mona.context, MESSAGES / 2, ' with some words to it');
  const cookies = await mona.context.cookies();
  const { page, context } = await visit(browser, [gateway.url, gateway.standIn.url]);
  await context.addCookies(cookies);
  await noteLongTasks(page);
  const startedAt = Date.now();
  await page.goto(`${gateway.url}/c/${chatId}`);
  await page
    .locator('.bubble')
    .getByText(`Question ${MESSAGES / 2} `)
    .waitFor();
  const openedMs = Date.now() - startedAt;
  const opening = await longTasks(page);
  await page.locator('.scroll').hover();
  const scrollStartedAt = Date.now();
  const cpu = await mainThread(page);
  while ((await page.locator('li.turn').count()) < MESSAGES / 2) {
    await page.mouse.wheel(0, -1_500);
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
  }
  const scrolledMs = Date.now() - scrollStartedAt;
  const scrolling = await longTasks(page);
  const cpuMs = await cpu();
  await context.close();
  return [
    { name: `${MESSAGES} messages: shown at the end`, value: `${openedMs} ms, ${taskText(opening)}`, goal: 'at once' },
    {
      name: `${MESSAGES} messages: scrolled to the beginning`,
      value: `${scrolledMs} ms, ${cpuMs} ms of CPU on the main thread, ${taskText(scrolling)}`,
      goal: 'no task over 50 ms',
    },
  ];
}

/** How far behind the gateway the page is when an answer ends that came as fast as it could. */
async function stream(mona: Visited, name: string, directive: string): Promise<Figure> {
  const { page, context } = await visit(browser, [gateway.url, gateway.standIn.url]);
  await context.addCookies(await mona.context.cookies());
  await noteLongTasks(page);
  await page.goto(gateway.url);
  await say(page, 'begin');
  await wholeAnswer(page);
  await longTasks(page);
  const cpu = await mainThread(page);
  const started = page.waitForResponse(
    (response) => response.url().endsWith('/messages') && response.request().method() === 'POST',
  );
  await say(page, `Go ${directive}`);
  const turn = (await (await started).headerValue('content-location')) ?? '';
  const told = await plainReader(gateway, turn, await mona.context.cookies());
  await page.locator('li.turn:last-child .answer[aria-busy="false"]').waitFor({ timeout: 60_000 });
  const lag = Date.now() - told.endedAt;
  const tasks = await longTasks(page);
  const cpuMs = Math.round(((await cpu()) / told.deltas) * 1_000);
  await context.close();
  const pace = Math.round((told.deltas / (told.endedAt - told.firstAt)) * 1_000);
  return {
    name: `stream of ${name}`,
    value: `${pace} tokens/s, ${cpuMs} ms of CPU on the main thread per 1,000, whole ${Math.max(0, lag)} ms after the last, ${taskText(tasks)}`,
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

async function noteLongTasks(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const tasks: number[] = [];
    Object.assign(globalThis, { tasks });
    new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({
      type: 'longtask',
    });
  });
}

/** From now on: milliseconds of CPU that the page's main thread took. They do not depend on what else the machine does. */
async function mainThread(page: Page): Promise<() => Promise<number>> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  const read = async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    return (metrics.find(({ name }) => name === 'ThreadTime')?.value ?? Number.NaN) * 1_000;
  };
  const before = await read();
  return async () => Math.round((await read()) - before);
}

/** Tasks over 50 ms since the last call, in milliseconds. */
function longTasks(page: Page): Promise<number[]> {
  return page.evaluate(() => (globalThis as unknown as { tasks: number[] }).tasks.splice(0));
}

function taskText(tasks: readonly number[]): string {
  return tasks.length === 0
    ? 'no task over 50 ms'
    : `${tasks.length} tasks over 50 ms, longest ${Math.max(...tasks).toFixed(0)} ms`;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
