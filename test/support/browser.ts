/** A real Chromium, and people in front of it. Whatever the page complains about is noted and asked for at the end. */
import { access, constants, mkdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Locator,
  type Page,
} from 'playwright-core';

export type { Browser, BrowserContext, Locator, Page };

/** Longer than the start of a runtime on a busy machine. Milliseconds. */
const PATIENCE_MS = 30_000;

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts the browser. The caller closes it. @throws Error when none is installed */
export async function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: await findChromium(), args: FLAGS });
}

async function findChromium(): Promise<string> {
  const named = process.env.CHROMIUM;
  if (named !== undefined) return named;
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  const paths = (process.env.PATH ?? '').split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)));
  for (const path of paths) {
    const usable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (usable) return path;
  }
  throw new Error('There is no Chromium. Install one (Debian: apt-get install chromium) or name it in CHROMIUM.');
}

/** Someone with a browser of their own: cookies and storage are theirs alone. */
export interface Visitor {
  readonly context: BrowserContext;
  readonly page: Page;
  /** Errors in the console, uncaught ones, and what the content security policy refused. */
  readonly complaints: string[];
  /** Requests that went to another host than the gateway and the stand-in. */
  readonly strayRequests: string[];
}

/** Runs in the page; as text, because who drives the browser has no document of its own. */
const NOTE_VIOLATIONS = `document.addEventListener('securitypolicyviolation', (event) =>
  noteViolation('policy: ' + event.violatedDirective + ' ' + event.blockedURI + ' ' + event.sample));`;

/** Opens a browser window. @param allowed origins that pages may talk to */
export async function visit(
  browser: Browser,
  allowed: readonly string[],
  options: BrowserContextOptions = {},
): Promise<Visitor> {
  const context = await browser.newContext({ locale: 'en-US', viewport: { width: 1280, height: 800 }, ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  const complaints: string[] = [];
  const strayRequests: string[] = [];
  await context.exposeFunction('noteViolation', (text: string) => complaints.push(text));
  await context.addInitScript({ content: NOTE_VIOLATIONS });
  context.on('request', (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol.startsWith('http') && !allowed.includes(origin)) strayRequests.push(request.url());
  });
  const listen = (page: Page) => {
    page.on('pageerror', (error) => complaints.push(`uncaught: ${error.stack ?? error.message}`));
    page.on('console', (message) => {
      // A request that failed is told by Chromium itself, whether or not the page was ready for it.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        complaints.push(message.text());
    });
  };
  context.on('page', listen);
  return { context, page: await context.newPage(), complaints, strayRequests };
}

/** Signs in through the page as a person does, and ends in front of the message box. */
export async function signIn(page: Page, url: string, login: string): Promise<void> {
  await page.goto(url);
  await page.getByRole('link', { name: 'Sign in with GitHub' }).click();
  await chooseAtGitHub(page, login);
}

/** At the stand-in's page. */
export async function chooseAtGitHub(page: Page, login: string): Promise<void> {
  await page.locator(`[data-login="${login}"]`).click();
  await messageBox(page).waitFor();
}

export function messageBox(page: Page): Locator {
  return page.locator('#composer');
}

/** Types a message and sends it with Enter. */
export async function say(page: Page, text: string): Promise<void> {
  await messageBox(page).fill(text);
  await messageBox(page).press('Enter');
}

/** The last answer, once it is whole. */
export async function wholeAnswer(page: Page): Promise<Locator> {
  const answer = page.locator('.turn.newest .answer');
  await answer.and(page.locator('[aria-busy="false"]')).waitFor();
  return answer;
}

/** Says something and waits for the whole answer. @returns its text */
export async function ask(page: Page, text: string): Promise<string> {
  const before = await page.locator('.turns .turn').count();
  await say(page, text);
  await page.locator('.turns .turn').nth(before).waitFor();
  return (await wholeAnswer(page)).locator('.markdown').innerText();
}

/** Waits until `locator` shows `text`. */
export async function shows(locator: Locator, text: string | RegExp): Promise<void> {
  await locator.filter({ hasText: text }).first().waitFor();
}

/** The stand-in's directive for answering exactly `text`. */
export function saying(text: string): string {
  return `[[say:${text
    .replace(/[\\\]]/g, '\\$&')
    .replaceAll('\n', '\\n')
    .replaceAll('\t', '\\t')}]]`;
}

const ARTIFACTS = new URL('../../test-artifacts/', import.meta.url);

/** Keeps a picture of the page under `test-artifacts/`, for people to look at. */
export async function picture(page: Page, name: string): Promise<void> {
  await mkdir(ARTIFACTS, { recursive: true });
  await page.screenshot({ path: new URL(`${name}.png`, ARTIFACTS).pathname, animations: 'disabled' });
}
