import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import {
  ask,
  type Browser,
  chooseAtGitHub,
  messageBox,
  openBrowser,
  type Page,
  say,
  shows,
  signIn,
  type Visitor,
  visit,
  wholeAnswer,
} from '../support/browser.ts';
import { type BrowserGateway, startBrowserGateway } from '../support/browser-gateway.ts';

let gateway: BrowserGateway;
let browser: Browser;
let mona: Visitor;

before(async () => {
  [gateway, browser] = await Promise.all([startBrowserGateway(), openBrowser()]);
});

beforeEach(async () => {
  mona = await visit(browser, [gateway.url, gateway.standIn.url]);
  await signIn(mona.page, gateway.url, 'mona');
  await ask(mona.page, 'begin');
});

afterEach(async () => {
  await mona.context.close();
});

after(async () => {
  await browser.close();
  await gateway.close();
});

/** `w1 w2 … wN`, as the stand-in says them. */
function words(count: number): string {
  return Array.from({ length: count }, (_, index) => `w${index + 1}`).join(' ');
}

const lastAnswer = (page: Page) => page.locator('.turn.newest .markdown');
const lastQuestion = (page: Page) => page.locator('.turn.newest .bubble');

test('a reload in mid-answer goes on with it', async () => {
  const { page } = mona;
  await say(page, '[[tokens:120]] [[pace:25]]');
  await shows(lastAnswer(page), 'w5 ');
  await page.reload();
  await shows(lastAnswer(page), 'w5 ');
  assert.equal(await page.locator('.turn.newest .answer').getAttribute('aria-busy'), 'true');
  await wholeAnswer(page);
  assert.equal(await lastAnswer(page).innerText(), words(120));
  assert.equal(await page.locator('.turns .turn').count(), 2);
});

test('the network goes away in mid-answer and comes back: nothing is missing, nothing is doubled', async () => {
  const { page } = mona;
  await say(page, '[[tokens:150]] [[pace:40]]');
  await shows(lastAnswer(page), 'w5 ');
  gateway.network.cut();
  await shows(page.locator('.turn.newest .progress'), 'Reconnecting');
  gateway.network.mend();
  // While it grows, not only in the end, when the whole answer comes once more.
  await shows(lastAnswer(page), 'w100 ');
  const soFar = (await lastAnswer(page).innerText()).trim();
  assert.equal(soFar, words(soFar.split(' ').length));
  await wholeAnswer(page);
  assert.equal(await lastAnswer(page).innerText(), words(150));
});

test('a message that is sent without a network goes as soon as there is one, once', async () => {
  const { page, context } = mona;
  await context.setOffline(true);
  await say(page, 'Anybody there?');
  await shows(page.locator('.attempt'), 'No connection');
  await context.setOffline(false);
  await page.locator('.turns .turn').nth(1).waitFor();
  await wholeAnswer(page);
  assert.match(await lastAnswer(page).innerText(), /message 2 of this conversation/);
  assert.equal(await page.getByText('Anybody there?', { exact: true }).count(), 1);
});

test('a message whose answer got lost on the way is not said twice', async () => {
  const { page } = mona;
  // The gateway takes the message, and the network breaks before anyone here learns of it.
  let broken = false;
  await page.route('**/messages', async (route) => {
    if (broken || route.request().method() !== 'POST') return route.continue();
    broken = true;
    const { url, method, headers, postData } = {
      url: route.request().url(),
      method: 'POST',
      headers: await route.request().allHeaders(),
      postData: route.request().postData(),
    };
    const cookie = (await mona.context.cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
    await fetch(url, { method, headers: { ...headers, cookie, prefer: 'respond-async' }, body: postData });
    return route.abort('connectionreset');
  });
  await say(page, 'Only once');
  await page.locator('.turns .turn').nth(1).waitFor();
  await wholeAnswer(page);
  assert.equal(broken, true);
  assert.match(await lastAnswer(page).innerText(), /message 2 of this conversation/);
  await page.reload();
  await shows(lastAnswer(page), 'message 2 of this conversation');
  assert.equal(await page.getByText('Only once', { exact: true }).count(), 1);
});

test('the gateway restarts: a word about it, then all is well', async () => {
  const { page } = mona;
  await gateway.stop();
  await shows(page.locator('.top-bar'), 'Reconnecting');
  await say(page, 'Are you back?');
  await gateway.start();
  await page.locator('.turns .turn').nth(1).waitFor();
  await wholeAnswer(page);
  assert.match(await lastAnswer(page).innerText(), /You said: Are you back/);
  await page.getByText('Reconnecting').waitFor({ state: 'detached' });
});

test('a second tab shows the same, live, whichever one speaks', async () => {
  const { page, context } = mona;
  const second = await context.newPage();
  await second.goto(page.url());
  await shows(lastAnswer(second), 'You said: begin');
  await say(page, '[[tokens:100]] [[pace:25]]');
  await shows(lastAnswer(second), 'w5 ');
  assert.equal(await second.locator('.turn.newest .answer').getAttribute('aria-busy'), 'true');
  await second.getByRole('button', { name: 'Stop the answer' }).click();
  await shows(page.locator('.turn.newest'), 'You stopped this answer.');
  assert.equal(await lastAnswer(page).innerText(), await lastAnswer(second).innerText());
  await say(second, 'From the other side');
  await shows(lastQuestion(page), 'From the other side');
  await wholeAnswer(page);
  assert.equal(await second.locator('.turns .turn').count(), await page.locator('.turns .turn').count());
});

test('a chat that another tab makes, renames or deletes is seen here', async () => {
  const { page, context } = mona;
  const second = await context.newPage();
  await second.goto(gateway.url);
  await messageBox(second).waitFor();
  await second.locator('.chat-row').first().waitFor();
  await ask(second, 'Born elsewhere');
  const row = page.locator('.chat-row').filter({ hasText: 'Born elsewhere' });
  await row.waitFor();
  await second
    .locator('.top-bar')
    .getByRole('button', { name: /Options for/ })
    .click();
  await second.getByRole('menuitem', { name: 'Delete' }).click();
  await second.getByRole('button', { name: 'Dismiss' }).click();
  await row.waitFor({ state: 'detached' });
});

test('what was typed outlives the end of the session, and sign-in leads back to the same chat', async () => {
  const { page, context } = mona;
  const chat = page.url();
  await messageBox(page).fill('half a thought');
  await context.clearCookies();
  await messageBox(page).press('Enter');
  await shows(page.getByRole('alert').first(), 'Your sign-in has ended');
  await page.locator('.banner').getByRole('link', { name: 'Sign in again' }).click();
  await chooseAtGitHub(page, 'mona');
  assert.equal(page.url(), chat);
  assert.equal(await messageBox(page).inputValue(), 'half a thought');
  await messageBox(page).press('Enter');
  await page.locator('.turns .turn').nth(1).waitFor();
  assert.match(await (await wholeAnswer(page)).innerText(), /You said: half a thought/);
  assert.equal(await page.locator('.turns .turn').count(), 2);
});

test('signing out everywhere elsewhere is felt here', async () => {
  const { page } = mona;
  const other = await visit(browser, [gateway.url, gateway.standIn.url]);
  await signIn(other.page, gateway.url, 'mona');
  await other.page.getByRole('button', { name: 'Account of Mona Lisa' }).click();
  await other.page.getByRole('menuitem', { name: 'Settings' }).click();
  await other.page.getByRole('tab', { name: 'Devices' }).click();
  await other.page.getByRole('button', { name: 'Sign out everywhere' }).click();
  await other.page.getByRole('link', { name: 'Sign in with GitHub' }).waitFor();
  await shows(page.getByRole('alert').first(), 'Your sign-in has ended');
  await other.context.close();
});
