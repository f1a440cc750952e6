/** Pinned chats stand on top, however long ago anything happened in them. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Browser, openBrowser, type Page, signIn, type Visitor, visit } from '../support/browser.ts';
import { type BrowserGateway, startBrowserGateway } from '../support/browser-gateway.ts';
import { seedTitles } from '../support/browser-seed.ts';

/** More than the page reads at first. */
const LATER = 50;
let gateway: BrowserGateway;
let browser: Browser;
let mona: Visitor;
let other: Page;

before(async () => {
  [gateway, browser] = await Promise.all([startBrowserGateway(), openBrowser()]);
  mona = await visit(browser, [gateway.url, gateway.standIn.url]);
  await signIn(mona.page, gateway.url, 'mona');
  await seedTitles(gateway.url, mona.context, ['Almanac', 'Logbook']);
  await choose(mona.page, 'Almanac', 'Pin');
  await pinned(mona.page).getByText('Almanac').waitFor();
  await choose(mona.page, 'Logbook', 'Pin');
  await pinned(mona.page).getByText('Logbook').waitFor();
  const later = Array.from({ length: LATER }, (_, index) => `Later ${index + 1}`);
  await seedTitles(gateway.url, mona.context, later);
  await mona.page.reload();
  other = await mona.context.newPage();
  await other.goto(gateway.url);
});

after(async () => {
  await browser.close();
  await gateway.close();
});

const rows = (page: Page) => page.locator('.chat-list .chat-row');
const pinned = (page: Page) => page.getByRole('region', { name: 'Pinned' });

async function choose(page: Page, title: string, action: string): Promise<void> {
  await rows(page).filter({ hasText: title }).hover();
  await page
    .getByRole('button', { name: `Options for “${title}”` })
    .first()
    .click();
  await page.getByRole('menuitem', { name: action, exact: true }).click();
}

test('a pinned chat older than the first page stands on top after a reload, once', async () => {
  const { page } = mona;
  await rows(page)
    .filter({ hasText: `Later ${LATER}` })
    .waitFor();
  assert.deepEqual(await pinned(page).locator('.chat-name').allTextContents(), ['Logbook', 'Almanac']);
  assert.ok((await rows(page).count()) < LATER, 'the list was not read to its end');
  await page.locator('.chat-nav').evaluate((list) => list.scrollTo(0, list.scrollHeight));
  await page.getByRole('link', { name: 'Later 1', exact: true }).waitFor();
  assert.equal(await rows(page).count(), LATER + 2);
});

test('what another tab unpins, archives and deletes leaves the top here too', async () => {
  const { page } = mona;
  await pinned(other).getByText('Almanac').waitFor();
  await choose(other, 'Almanac', 'Unpin');
  await page.getByRole('region', { name: 'Today' }).getByText('Almanac').waitFor();
  assert.deepEqual(await pinned(page).locator('.chat-name').allTextContents(), ['Logbook']);
  await choose(other, 'Almanac', 'Pin');
  await pinned(page).getByText('Almanac').waitFor();
  await choose(other, 'Almanac', 'Archive');
  await rows(page).filter({ hasText: 'Almanac' }).waitFor({ state: 'detached' });
  await choose(other, 'Logbook', 'Delete');
  await other.close({ runBeforeUnload: true });
  await pinned(page).waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Archived chats' }).click();
  await pinned(page).getByText('Almanac').waitFor();
  assert.deepEqual(mona.complaints, []);
});
