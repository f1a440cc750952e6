import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  type Browser,
  messageBox,
  openBrowser,
  type Page,
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

before(async () => {
  [gateway, browser] = await Promise.all([startBrowserGateway(), openBrowser()]);
});

after(async () => {
  await browser.close();
  await gateway.close();
});

const someone = (options: Parameters<typeof visit>[2] = {}) =>
  visit(browser, [gateway.url, gateway.standIn.url], options);

test('everything can be reached and done with the keyboard alone', async () => {
  const { page, context } = await someone();
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
  await shows(page.locator('.turn.newest .markdown'), 'w2 ');
  await tabTo(page, 'Stop the answer');
  await press('Enter');
  await shows(page.locator('.turn.newest'), 'You stopped this answer.');
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
  const { page, context } = await someone();
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

test('a word that is being composed is not sent', async () => {
  const { page, context } = await someone();
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
  const { page, context } = await someone({ reducedMotion: 'reduce' });
  await signIn(page, gateway.url, 'mona');
  await say(page, '[[tokens:100]] [[pace:30]]');
  await shows(page.locator('.turn.newest .markdown'), 'w2 ');
  const moving = await page.evaluate(
    () =>
      document
        .getAnimations()
        .filter((it) => Number(it.effect?.getComputedTiming().activeDuration) > 0 && it instanceof CSSAnimation).length,
  );
  assert.equal(moving, 0);
  await context.close();
});
