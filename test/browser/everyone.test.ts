import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  ask,
  type Browser,
  messageBox,
  openBrowser,
  type Page,
  picture,
  say,
  saying,
  shows,
  signIn,
  visit,
  wholeAnswer,
} from '../support/browser.ts';
import { type BrowserGateway, startBrowserGateway } from '../support/browser-gateway.ts';

let gateway: BrowserGateway;
let browser: Browser;
let axe: string;

before(async () => {
  const path = fileURLToPath(import.meta.resolve('axe-core/axe.min.js'));
  [gateway, browser, axe] = await Promise.all([startBrowserGateway(), openBrowser(), readFile(path, 'utf8')]);
});

after(async () => {
  await browser.close();
  await gateway.close();
});

const ANSWER = saying(`## Rhythm of a light

Every lighthouse has a *character*: how long it shines, and how long it does not.

| Light | Character | Range |
| --- | --- | ---: |
| Kilauea | Fl 10s | 22 nm |
| Jindo | Oc 6s | 18 nm |

\`\`\`python
def is_lit(second: int, period: int = 6) -> bool:
    """Occulting: dark for one second of each period."""
    return second % period != 0  # the dark one
\`\`\`

1. Count the seconds between two flashes.
2. Look it up in the [list of lights](https://example.com/lights).
   - [x] found
   - [ ] not found

> A light that does not turn is a star.`);

/** A person whose browser lets the checker in: that is all that is different in it. */
async function checkedVisitor(options: Parameters<typeof visit>[2] = {}) {
  return visit(browser, [gateway.url, gateway.standIn.url], { bypassCSP: true, ...options });
}

interface AxeResult {
  violations: { id: string; help: string; nodes: { html: string; failureSummary?: string }[] }[];
}

/** Rules of WCAG 2.0 to 2.2, A and AA, and best practices. */
async function check(page: Page, view: string): Promise<void> {
  await page.evaluate(axe);
  // Colours that are on their way to others have no contrast to speak of.
  await page.evaluate(() =>
    Promise.all(
      document
        .getAnimations()
        .filter((it) => it instanceof CSSTransition)
        .map((it) => it.finished.catch(() => undefined)),
    ),
  );
  const result = await page.evaluate(async () => {
    const checker = (globalThis as unknown as { axe: { run: (options: unknown) => Promise<AxeResult> } }).axe;
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    return checker.run({ runOnly: tags, resultTypes: ['violations'] });
  });
  const told = result.violations.map(
    ({ id, help, nodes }) =>
      `${id}: ${help}\n${nodes.map((node) => `  ${node.html}\n  ${node.failureSummary ?? ''}`).join('\n')}`,
  );
  assert.deepEqual(told, [], view);
}

/** Opens the settings at a section. */
async function openSettings(page: Page, tab: string): Promise<void> {
  await page.getByRole('tab', { name: tab }).click();
  await page.getByRole('tabpanel', { name: tab }).waitFor();
}

for (const scheme of ['light', 'dark'] as const) {
  for (const [device, viewport] of [
    ['desktop', { width: 1280, height: 800 }],
    ['phone', { width: 390, height: 844 }],
  ] as const) {
    test(`${device}, ${scheme}: every view can be used by everyone`, async () => {
      const { page, context } = await checkedVisitor({ colorScheme: scheme, viewport, hasTouch: device === 'phone' });
      const look = async (view: string) => {
        await check(page, view);
        await picture(page, `${view}-${device}-${scheme}`);
      };
      await page.goto(gateway.url);
      await page.getByRole('heading', { name: 'Pilothouse' }).waitFor();
      await look('first-page');
      await signIn(page, gateway.url, 'mona');
      await page.getByRole('combobox', { name: 'Model' }).waitFor();
      await look('new-chat');
      await messageBox(page).fill(`How do I tell one light from another? ${ANSWER}`);
      await page.getByRole('button', { name: 'Send' }).click();
      await page.locator('.hl-keyword').first().waitFor();
      await wholeAnswer(page);
      await look('conversation');
      await messageBox(page).fill('And this? [[fault:400]]');
      await page.getByRole('button', { name: 'Send' }).click();
      await page.getByRole('button', { name: 'Ask again' }).waitFor();
      await look('error');
      if (device === 'phone') {
        await page.getByRole('button', { name: 'Open the list of chats' }).click();
        await page.locator('.chat-row').first().waitFor();
        await look('drawer');
      }
      await page.locator('.chat-row').first().hover();
      await page.locator('.chat-row').first().getByRole('button').click();
      await page.getByRole('menu').waitFor();
      await look('chat-menu');
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: /^Account of/ }).click();
      await page.getByRole('menuitem', { name: 'Settings' }).click();
      for (const tab of ['General', 'Devices', 'API tokens', 'Usage', 'Your data']) {
        await openSettings(page, tab);
        await page.getByRole('tabpanel').getByText('Loading').waitFor({ state: 'detached' });
        await look(`settings-${tab.toLowerCase().replaceAll(' ', '-')}`);
      }
      await context.close();
    });
  }
}

test('everything can be reached and done with the keyboard alone', async () => {
  const { page, context } = await checkedVisitor();
  const press = (key: string) => page.keyboard.press(key);
  const focused = () =>
    page.evaluate(
      () => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '',
    );
  await page.goto(gateway.url);
  await page.getByRole('link', { name: 'Sign in with GitHub' }).waitFor();
  await press('Tab');
  assert.match(await focused(), /Sign in with GitHub/);
  await press('Enter');
  await page.locator('[data-login="hubot"]').focus();
  await press('Enter');
  await messageBox(page).waitFor();
  // Whoever comes anew is in front of the message box at once.
  await page.waitForFunction(() => document.activeElement?.id === 'composer');
  await page.keyboard.type('First line');
  await press('Shift+Enter');
  await page.keyboard.type('second line');
  await press('Enter');
  await shows(page.locator('.bubble'), /First line\nsecond line/);
  await wholeAnswer(page);
  await page.keyboard.type('Stop this [[tokens:400]] [[pace:50]]');
  await press('Enter');
  await shows(page.locator('li.turn:last-child .markdown'), 'w2 ');
  await tabTo(page, 'Stop the answer');
  await press('Enter');
  await shows(page.locator('li.turn:last-child'), 'You stopped this answer.');
  await press('Control+k');
  await page.waitForFunction(() => document.activeElement?.id === 'chat-search');
  await tabTo(page, 'Options for “First line second line”');
  await press('Enter');
  await page.getByRole('menuitem', { name: 'Pin', exact: true }).waitFor();
  assert.match(await focused(), /Pin/);
  await press('ArrowDown');
  await press('Enter');
  const name = page.getByLabel('Name of the chat');
  await name.waitFor();
  await press('Control+a');
  await page.keyboard.type('By keyboard');
  await press('Enter');
  await shows(page.locator('.chat-title'), 'By keyboard');
  await press('Control+Shift+O');
  await page.getByRole('heading', { name: /Where to/ }).waitFor();
  await page.waitForFunction(() => document.activeElement?.id === 'composer');
  await tabTo(page, 'Account of Hubot');
  await press('Enter');
  await page.locator('[role=menuitem]:focus', { hasText: 'Settings' }).waitFor();
  await press('Enter');
  await page.getByRole('dialog').waitFor();
  await page.getByRole('tab', { name: 'General' }).focus();
  await press('ArrowDown');
  assert.match(await focused(), /Devices/);
  await press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  assert.equal(await focused(), 'Account of Hubot');
  await context.close();
});

/** Presses Tab until the element of that name has the focus; what has it on the way is seen to have it. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let presses = 0; presses < 60; presses += 1) {
    await page.keyboard.press('Tab');
    const found = await page.evaluate((wanted) => {
      const element = document.activeElement;
      if (!(element instanceof HTMLElement) || element === document.body) return 'nowhere';
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
      const around = element.closest('.composer-box');
      const shown =
        (outlineStyle !== 'none' && outlineWidth !== '0px') || boxShadow !== 'none' || around?.matches(':focus-within');
      if (shown !== true) return `unseen: ${element.outerHTML.slice(0, 120)}`;
      return (element.getAttribute('aria-label') ?? element.textContent) === wanted ? 'found' : 'other';
    }, name);
    if (found === 'found') return;
    assert.ok(!found.startsWith('unseen'), found);
  }
  assert.fail(`${name} cannot be reached`);
}

test('a screen reader hears the answer when it is whole, once', async () => {
  const { page, context } = await checkedVisitor();
  await signIn(page, gateway.url, 'mona');
  const region = page.locator('[role=status][aria-live=polite]').last();
  await region.evaluate((element) => {
    const heard: string[] = [];
    Object.assign(globalThis, { heard });
    new MutationObserver(() => heard.push(element.textContent ?? '')).observe(element, {
      childList: true,
      subtree: true,
      characterData: true,
    });
  });
  await say(page, `Tell me ${saying('The **answer** is `42`.')} [[pace:40]]`);
  await wholeAnswer(page);
  await shows(region, 'Answer: The answer is 42.');
  const heard = await page.evaluate(() => (globalThis as unknown as { heard: string[] }).heard);
  assert.deepEqual(
    heard.filter((text) => text !== ''),
    ['Answer: The answer is 42.'],
  );
  await context.close();
});

test('nothing is cut off and nothing scrolls sideways on the narrowest screen', async () => {
  const { page, context } = await checkedVisitor({ viewport: { width: 320, height: 568 } });
  const overflow = () =>
    page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  await page.goto(gateway.url);
  await page.getByRole('link', { name: 'Sign in with GitHub' }).waitFor();
  assert.equal(await overflow(), 0);
  await picture(page, 'first-page-narrow');
  await signIn(page, gateway.url, 'mona');
  await ask(page, `x ${'long'.repeat(40)} ${ANSWER}`);
  assert.equal(await overflow(), 0);
  const column = await page.locator('.scroll').evaluate((element) => element.scrollWidth - element.clientWidth);
  assert.equal(column, 0);
  await picture(page, 'conversation-narrow');
  await context.close();
});

test('the page speaks Korean to who reads Korean, and can be told otherwise', async () => {
  const { page, context } = await checkedVisitor({ locale: 'ko-KR' });
  await page.goto(gateway.url);
  await page.getByRole('link', { name: 'GitHub으로 로그인' }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'ko');
  await check(page, 'first page in Korean');
  await picture(page, 'first-page-korean');
  await page.getByRole('link', { name: 'GitHub으로 로그인' }).click();
  await page.locator('[data-login="mona"]').click();
  await ask(page, '안녕하세요');
  await picture(page, 'conversation-korean');
  await page.getByRole('button', { name: 'Mona Lisa 계정' }).click();
  await page.getByRole('menuitem', { name: '설정' }).click();
  await page.getByLabel('언어').selectOption('en');
  await page.getByRole('heading', { name: 'Settings' }).waitFor();
  await page.getByLabel('Theme').selectOption('dark');
  await page.reload();
  await page.getByRole('button', { name: /^Account of/ }).waitFor();
  const look = await page.evaluate(() => ({
    lang: document.documentElement.lang,
    background: getComputedStyle(document.documentElement).backgroundColor,
  }));
  assert.deepEqual(look, { lang: 'en', background: 'rgb(11, 20, 24)' });
  await context.close();
});

test('a word that is being composed is not sent', async () => {
  const { page, context } = await checkedVisitor();
  await signIn(page, gateway.url, 'mona');
  const session = await context.newCDPSession(page);
  await messageBox(page).focus();
  await session.send('Input.imeSetComposition', { text: '안', selectionStart: 1, selectionEnd: 1 });
  await messageBox(page).evaluate((box) =>
    box.dispatchEvent(
      new KeyboardEvent('keydown', { key: 'Enter', isComposing: true, bubbles: true, cancelable: true }),
    ),
  );
  await session.send('Input.insertText', { text: '안녕' });
  assert.equal(await messageBox(page).inputValue(), '안녕');
  await messageBox(page).press('Enter');
  await shows(page.locator('.bubble'), '안녕');
  await context.close();
});

test('who asked for less motion gets none', async () => {
  const { page, context } = await checkedVisitor({ reducedMotion: 'reduce' });
  await signIn(page, gateway.url, 'mona');
  await say(page, '[[tokens:100]] [[pace:30]]');
  await shows(page.locator('li.turn:last-child .markdown'), 'w2 ');
  const moving = await page.evaluate(
    () =>
      document
        .getAnimations()
        .filter((it) => Number(it.effect?.getComputedTiming().activeDuration) > 0 && it instanceof CSSAnimation).length,
  );
  assert.equal(moving, 0);
  await context.close();
});
