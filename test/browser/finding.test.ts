/** Words found in titles and messages, and the way from there to the message. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Browser, openBrowser, picture, shows, signIn, type Visitor, visit } from '../support/browser.ts';
import { checkForEveryone } from '../support/browser-checker.ts';
import { type BrowserGateway, startBrowserGateway } from '../support/browser-gateway.ts';
import { importChat } from '../support/browser-seed.ts';

const TURNS = 150;
let gateway: BrowserGateway;
let browser: Browser;
let mona: Visitor;
let chatId: string;

before(async () => {
  [gateway, browser] = await Promise.all([startBrowserGateway(), openBrowser()]);
  mona = await visit(browser, [gateway.url, gateway.standIn.url], { bypassCSP: true });
  await signIn(mona.page, gateway.url, 'mona');
  chatId = await importChat(gateway.url, mona.context, TURNS, (turn) =>
    turn === 4 ? 'Here lies the anchorage of Skagen.' : `Answer ${turn}.`,
  );
});

after(async () => {
  await browser.close();
  await gateway.close();
});

const box = () => mona.page.getByRole('searchbox', { name: 'Search chats and messages' });
const results = () => mona.page.getByRole('region', { name: 'What was found' });
const shownTurns = () => mona.page.locator('.turns .turn');

test('a message of long ago is found by its words, which are marked, and opened where it stands', async () => {
  const { page } = mona;
  await box().fill('anchorage skagen');
  const hit = results().getByRole('link', { name: /anchorage of Skagen/ });
  await hit.waitFor();
  assert.deepEqual(await hit.locator('mark').allInnerTexts(), ['anchorage', 'Skagen']);
  await checkForEveryone(page, 'search');
  await picture(page, 'desktop-search');
  await hit.click();
  const message = page.locator('.answer.sought');
  await shows(message, 'Here lies the anchorage');
  await page.waitForFunction(() => {
    const { top = -1 } = document.querySelector('.sought')?.getBoundingClientRect() ?? {};
    return top > 0 && top < innerHeight / 2;
  });
  assert.equal(await page.evaluate(() => document.querySelector('.stage')?.getBoundingClientRect().top), 0);
  await picture(page, 'desktop-found-message');
  assert.ok(await message.evaluate((element) => element === document.activeElement));
  assert.match(page.url(), new RegExp(`/c/${chatId}#[\\w-]+$`));
});

test('the address of a message leads to it again', async () => {
  const { page } = mona;
  await page.reload();
  await shows(page.locator('.answer.sought'), 'Here lies the anchorage');
  await page.getByRole('button', { name: 'To the end' }).click();
  await page.locator('.bubble').getByText(`Question ${TURNS} `).waitFor();
});

test('results are walked by arrow keys, and Escape leads back to the box', async () => {
  const { page } = mona;
  await page.keyboard.press('Control+K');
  await page.keyboard.type('Question');
  await results().getByRole('link').nth(3).waitFor();
  const focused = () => page.evaluate(() => document.activeElement?.textContent ?? '');
  await page.keyboard.press('ArrowDown');
  assert.match(await focused(), /^Chat of 150 turns/);
  await page.keyboard.press('ArrowDown');
  assert.match(await focused(), /Question \d+/);
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Escape');
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'chat-search');
  await page.keyboard.press('Escape');
  assert.equal(await box().inputValue(), '');
  await page.getByRole('heading', { name: 'Today' }).waitFor();
});

test('more is read as one scrolls through what was found', async () => {
  const { page } = mona;
  await box().fill('question');
  await results().getByRole('link').first().waitFor();
  for (let count = 0; count < 100; ) {
    await page.locator('.chat-nav').evaluate((list) => list.scrollTo(0, list.scrollHeight));
    await page.waitForFunction((before) => document.querySelectorAll('.hit').length > before, count);
    count = await page.locator('.hit').count();
  }
  await box().fill('');
});

test('a chat that is deleted leaves the results, and nothing found is said', async () => {
  const { page } = mona;
  await importChat(gateway.url, mona.context, 1, () => 'A sextant in its box.');
  await box().fill('sextant');
  await results()
    .getByRole('link', { name: /sextant in its box/ })
    .waitFor();
  await results().locator('.chat-row').hover();
  await results().getByRole('button', { name: 'Options for “Chat of 1 turns”' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await results().getByText('Nothing found').waitFor();
  await page.getByRole('button', { name: 'Undo' }).click();
  await results()
    .getByRole('link', { name: /sextant in its box/ })
    .waitFor();
  await box().fill('');
});

test('a message that is gone is said to be gone, and the chat is there', async () => {
  const { page } = mona;
  await page.goto(`${gateway.url}/c/${chatId}#0190a000-0000-7000-8000-000000000000`);
  await page.getByText('That message is not there any more.').waitFor();
  assert.equal(await shownTurns().count(), TURNS);
  assert.deepEqual(mona.complaints, []);
});
