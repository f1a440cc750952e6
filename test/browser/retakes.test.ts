import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  ask,
  type Browser,
  openBrowser,
  say,
  saying,
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
  mona = await visit(browser, [gateway.url, gateway.standIn.url]);
  await signIn(mona.page, gateway.url, 'mona');
});

after(async () => {
  assert.deepEqual(mona.complaints, []);
  await browser.close();
  await gateway.close();
});

async function newChat(text: string): Promise<string> {
  await mona.page.getByRole('button', { name: 'New chat', exact: true }).click();
  await mona.page.getByRole('heading', { name: /Where to/ }).waitFor();
  return ask(mona.page, text);
}

const turns = () => mona.page.locator('.turns .turn');
const editor = () => mona.page.getByRole('textbox', { name: 'Edited message' });

test('another answer takes the place of the last one, here and in another tab', async () => {
  const { page } = mona;
  await newChat('What is a bilge pump?');
  const other = await mona.context.newPage();
  await other.goto(page.url());
  await shows(other.locator('.turn.newest .answer'), 'bilge pump');
  await page.getByRole('button', { name: 'Another answer' }).click();
  await page.locator('.turn.newest .answer[aria-busy=true]').waitFor();
  await wholeAnswer(page);
  assert.equal(await turns().count(), 1);
  const { body } = await history();
  assert.equal(body.length, 2);
  await other.locator(`[data-message="${body[1]?.id}"]`).waitFor();
  assert.equal(await other.locator('.turns .turn').count(), 1);
  await other.close();
});

test('a message is put differently by keyboard alone; Escape leaves it as it was', async () => {
  const { page } = mona;
  await newChat('I sail to Bergen');
  await ask(page, 'Where do I sail to?');
  await page.getByRole('button', { name: 'Edit message' }).first().focus();
  await page.keyboard.press('Enter');
  assert.equal(await editor().inputValue(), 'I sail to Bergen');
  await page.keyboard.type(' tomorrow');
  await page.keyboard.press('Escape');
  await editor().waitFor({ state: 'detached' });
  await shows(turns().first(), /I sail to Bergen(?! tomorrow)/);
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('aria-label')), 'Edit message');
  await page.keyboard.press('Enter');
  await editor().fill('I sail to Oslo');
  await page.keyboard.press('Enter');
  await shows(page.locator('.turn.newest .answer'), 'You said: I sail to Oslo');
  await wholeAnswer(page);
  assert.equal(await turns().count(), 1);
  await page.reload();
  await shows(turns().first(), 'I sail to Oslo');
  assert.equal(await turns().count(), 1);
});

test('while an answer is made nothing can be changed', async () => {
  const { page } = mona;
  await newChat('begin');
  await say(page, `${saying('slowly now')} [[pace:2000]]`);
  await page.locator('.turn.newest .answer[aria-busy=true]').waitFor();
  assert.equal(await page.getByRole('button', { name: /Edit message|Another answer/ }).count(), 0);
  await page.getByRole('button', { name: 'Stop the answer' }).click();
  await page.getByRole('button', { name: 'Edit message' }).first().waitFor();
});

test('a chat is forked from an answer on; both go their own way', async () => {
  const { page } = mona;
  await newChat('The keel is blue');
  const original = page.url();
  await ask(page, 'The mast is red');
  await page.getByRole('button', { name: 'Fork from here' }).first().click();
  await page.waitForURL((url) => url.href !== original);
  await shows(turns().first(), 'The keel is blue');
  assert.equal(await turns().count(), 1);
  assert.match(await ask(page, 'And the keel?'), /keel/);
  assert.equal(await turns().count(), 2);
  await page.goto(original);
  await shows(turns().last(), 'The mast is red');
});

async function history(): Promise<{ body: { id: string }[] }> {
  const chatId = mona.page.url().split('/').at(-1);
  const answer = await mona.page.request.get(`${gateway.url}/api/chats/${chatId}/messages`);
  return { body: (await answer.json()).items };
}
