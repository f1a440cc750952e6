import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  ask,
  type Browser,
  messageBox,
  openBrowser,
  type Page,
  say,
  saying,
  shows,
  signIn,
  type Visitor,
  visit,
  wholeAnswer,
} from '../support/browser.ts';
import { type BrowserGateway, startBrowserGateway } from '../support/browser-gateway.ts';
import { seedChat } from '../support/browser-seed.ts';

let gateway: BrowserGateway;
let browser: Browser;
let mona: Visitor;

before(async () => {
  [gateway, browser] = await Promise.all([startBrowserGateway(), openBrowser()]);
  mona = await visit(browser, [gateway.url, gateway.standIn.url]);
  await signIn(mona.page, gateway.url, 'mona');
});

after(async () => {
  await browser.close();
  await gateway.close();
});

const PARAGRAPHS = saying(
  Array.from({ length: 60 }, (_, index) => `Paragraph ${index + 1} of the answer.`).join('\n\n'),
);

const leftBelow = (page: Page) =>
  page.locator('.scroll').evaluate((box) => box.scrollHeight - box.scrollTop - box.clientHeight);

/** Two frames later everything that follows from a change has happened. */
const settle = (page: Page) =>
  page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));

test('the end stays in sight while an answer grows, until the reader scrolls away', async () => {
  const { page } = mona;
  await ask(page, `begin ${PARAGRAPHS}`);
  await settle(page);
  assert.ok((await leftBelow(page)) < 4);
  await say(page, `again ${PARAGRAPHS} [[pace:15]]`);
  await shows(page.locator('.turn.newest .markdown'), 'Paragraph 20 of');
  await settle(page);
  assert.ok((await leftBelow(page)) < 64);
  await page.locator('.scroll').hover();
  await page.mouse.wheel(0, -600);
  const end = page.getByRole('button', { name: 'To the end' });
  await end.waitFor();
  const place = await page.locator('.scroll').evaluate((box) => box.scrollTop);
  await shows(page.locator('.turn.newest .markdown'), 'Paragraph 40 of');
  assert.equal(await page.locator('.scroll').evaluate((box) => box.scrollTop), place);
  await end.click();
  await wholeAnswer(page);
  await settle(page);
  assert.ok((await leftBelow(page)) < 64);
  await end.waitFor({ state: 'detached' });
});

test('a long chat opens at its end, and what is read stays in its place while older messages come in above', async () => {
  const { page, context } = mona;
  const chatId = await seedChat(gateway.url, context, 80);
  await page.goto(`${gateway.url}/c/${chatId}`);
  await shows(page.locator('.bubble').last(), 'Question 80');
  await settle(page);
  assert.ok((await leftBelow(page)) < 4);
  assert.ok((await page.locator('.turns .turn').count()) < 40);
  for (let shown = await toTop(page); shown.count < 80; shown = await toTop(page)) {
    await page.waitForFunction((before) => document.querySelectorAll('.turns .turn').length > before, shown.count);
    await settle(page);
    // It was at the very top of what was there: it is still in sight, with the older ones above it.
    const place = await page.locator('.bubble').getByText(shown.first, { exact: true }).boundingBox();
    assert.ok(place !== null && place.y > 0 && place.y < 400, `${shown.first} went to ${place?.y}`);
  }
  await shows(page.locator('.bubble').first(), /^Question 1$/);
});

/** At once: more may come in at any moment. */
const toTop = (page: Page) =>
  page.evaluate(() => {
    document.querySelector('.scroll')?.scrollTo(0, 0);
    return {
      count: document.querySelectorAll('.turns .turn').length,
      first: document.querySelector('.bubble')?.textContent ?? '',
    };
  });

test('a draft is kept for each chat', async () => {
  const { page } = mona;
  await messageBox(page).fill('about the first');
  await page.getByRole('button', { name: 'New chat', exact: true }).click();
  await page.getByRole('heading', { name: /Where to/ }).waitFor();
  assert.equal(await messageBox(page).inputValue(), '');
  await messageBox(page).fill('about something new');
  await page.goBack();
  await page.locator('.turns .turn').first().waitFor();
  assert.equal(await messageBox(page).inputValue(), 'about the first');
  await page.goForward();
  await page.getByRole('heading', { name: /Where to/ }).waitFor();
  assert.equal(await messageBox(page).inputValue(), 'about something new');
});
