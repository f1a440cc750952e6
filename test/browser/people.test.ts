import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  ask,
  type Browser,
  chooseAtGitHub,
  messageBox,
  openBrowser,
  type Page,
  shows,
  signIn,
  visit,
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

const someone = () => visit(browser, [gateway.url, gateway.standIn.url]);

async function openSettings(page: Page, tab: string): Promise<void> {
  await page.getByRole('button', { name: /^Account of/ }).click();
  await page.getByRole('menuitem', { name: 'Settings' }).click();
  await page.getByRole('tab', { name: tab }).click();
}

test('a stranger is told what this is and signs in by one link; saying no at GitHub leads to words, not to a wall', async () => {
  const { page, context, complaints } = await someone();
  await page.goto(gateway.url);
  await page.getByRole('heading', { name: 'Pilothouse' }).waitFor();
  const link = page.getByRole('link', { name: 'Sign in with GitHub' });
  await link.click();
  await page.getByRole('link', { name: 'Cancel' }).click();
  await page.getByText('You did not authorize the gateway at GitHub').waitFor();
  await page.getByRole('link', { name: 'Try again' }).click();
  await chooseAtGitHub(page, 'mona');
  assert.deepEqual(complaints, []);
  await context.close();
});

test('sign-in leads to the chat that was asked for', async () => {
  const { page, context } = await someone();
  await signIn(page, gateway.url, 'mona');
  await ask(page, 'Remember this place');
  const chat = page.url();
  await context.clearCookies();
  await page.goto(chat);
  await chooseAtGitHub(page, 'mona');
  assert.equal(page.url(), chat);
  await shows(page.locator('.bubble'), 'Remember this place');
  await context.close();
});

test('who says no at GitHub and tries again still gets to the chat that was asked for', async () => {
  const { page, context } = await someone();
  await signIn(page, gateway.url, 'mona');
  await ask(page, 'A place to come back to');
  const chat = page.url();
  await context.clearCookies();
  await page.goto(chat);
  await page.getByRole('link', { name: 'Cancel' }).click();
  await page.getByRole('link', { name: 'Try again' }).click();
  await chooseAtGitHub(page, 'mona');
  assert.equal(page.url(), chat);
  await context.close();
});

test('a chat that was downloaded comes back from its file as a chat of its own', async () => {
  const { page, context } = await someone();
  await signIn(page, gateway.url, 'mona');
  await ask(page, 'Log of the schooner');
  const { pathname } = new URL(page.url());
  const exported = await page.request.get(`${gateway.url}/api${pathname.replace('/c/', '/chats/')}/export?format=json`);
  await openSettings(page, 'Your data');
  const choose = async (name: string, buffer: Buffer) => {
    const chooser = page.waitForEvent('filechooser');
    await page.getByRole('button', { name: 'Choose a file' }).click();
    await (await chooser).setFiles({ name, mimeType: 'application/json', buffer });
  };
  await choose('list.json', Buffer.from('not JSON'));
  const refusal = page.getByRole('alert');
  await shows(refusal, 'This file is not a chat that was downloaded as JSON.');
  await choose('long.json', Buffer.from(JSON.stringify({ chat: {}, messages: [], more: 'x'.repeat(2 ** 20) })));
  await shows(refusal, 'too large');
  await choose('other.json', Buffer.from('{"what": "else"}'));
  await shows(refusal, 'This file is not a chat that was downloaded as JSON.');
  // What goes wrong otherwise is told in front of the dialog, where it can be read and put away.
  await page.route('**/api/chats/import', (route) => route.abort());
  await choose('chat.json', await exported.body());
  await page.getByText('The gateway could not be reached.').waitFor();
  await page.getByRole('button', { name: 'Dismiss' }).click();
  await page.unroute('**/api/chats/import');
  await choose('chat.json', await exported.body());
  await page.getByText(/^“.*” was imported\.$/).waitFor();
  await page.waitForFunction((old) => location.pathname.startsWith('/c/') && location.pathname !== old, pathname);
  await shows(page.locator('.bubble'), 'Log of the schooner');
  await shows(page.locator('.answer'), 'You said: Log of the schooner');
  assert.match(await ask(page, 'And now?'), /You said: And now/);
  await context.close();
});

test('two people share a gateway and see nothing of each other', async () => {
  const [mona, hubot] = [await someone(), await someone()];
  await signIn(mona.page, gateway.url, 'mona');
  await signIn(hubot.page, gateway.url, 'hubot');
  await ask(mona.page, 'A secret of Mona’s');
  await ask(hubot.page, 'A word of Hubot’s');
  assert.equal(await hubot.page.getByText('secret of Mona').count(), 0);
  await hubot.page.goto(mona.page.url());
  await hubot.page.getByRole('heading', { name: 'This chat is not here' }).waitFor();
  assert.equal(await hubot.page.getByText('secret of Mona').count(), 0);
  await mona.context.close();
  await hubot.context.close();
});

test('signing out takes drafts along and is final', async () => {
  const { page, context } = await someone();
  await signIn(page, gateway.url, 'mona');
  await ask(page, 'Mine alone');
  await messageBox(page).fill('not for the next one here');
  await page.getByRole('button', { name: /^Account of/ }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.getByRole('link', { name: 'Sign in with GitHub' }).waitFor();
  assert.equal(await page.evaluate(() => Object.keys(localStorage).filter((key) => key.includes('draft')).length), 0);
  await page.goBack();
  const signedOut = page.getByRole('link', { name: 'Sign in with GitHub' }).or(page.getByText('Who are you today?'));
  await signedOut.waitFor();
  assert.equal(await page.getByText('Mine alone').count(), 0);
  await context.close();
});

test('a device is ended from another one', async () => {
  const [here, there] = [await someone(), await someone()];
  await signIn(here.page, gateway.url, 'octavia');
  await signIn(there.page, gateway.url, 'octavia');
  await openSettings(here.page, 'Devices');
  await here.page.getByRole('button', { name: /^Sign out Chrome/ }).click();
  await shows(there.page.getByRole('alert').first(), 'Your sign-in has ended');
  await here.page.getByRole('button', { name: /^Sign out Chrome/ }).waitFor({ state: 'detached' });
  await here.context.close();
  await there.context.close();
});

test('an API token is made, shown once, works, and is deleted', async () => {
  const { page, context } = await someone();
  await signIn(page, gateway.url, 'mona');
  await openSettings(page, 'API tokens');
  await page.getByLabel('Name', { exact: true }).fill('my script');
  await page.getByRole('button', { name: 'Create token' }).click();
  const secret = await page.locator('.secret code').innerText();
  const call = () => fetch(`${gateway.url}/api/chats`, { headers: { authorization: `Bearer ${secret}` } });
  assert.equal((await call()).status, 200);
  await page.getByRole('button', { name: 'Done' }).click();
  assert.equal(await page.getByText(secret).count(), 0);
  await page.getByRole('button', { name: 'Delete token my script' }).click();
  await page.getByText('my script').waitFor({ state: 'detached' });
  assert.equal((await call()).status, 401);
  await context.close();
});

test('quota and usage are told', async () => {
  const { page, context } = await someone();
  await signIn(page, gateway.url, 'mona');
  await ask(page, 'One for the ledger');
  await openSettings(page, 'Usage');
  await shows(page.getByRole('tabpanel'), 'premium interactions');
  await page.getByRole('rowheader').first().waitFor();
  await context.close();
});

test('everything can be taken along, and erased by who types their name', async () => {
  const { page, context } = await someone();
  await signIn(page, gateway.url, 'lovelace');
  await ask(page, 'To be forgotten');
  await openSettings(page, 'Your data');
  const downloading = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Download my data' }).click();
  const stream = await (await downloading).createReadStream();
  const text = (await stream.toArray()).join('');
  assert.match(text, /To be forgotten/);
  const button = page.getByRole('button', { name: 'Erase everything of mine' });
  assert.equal(await button.isDisabled(), true);
  await page.getByLabel(/Type lovelace to confirm/).fill('Lovelace');
  await button.click();
  await page.getByRole('link', { name: 'Sign in with GitHub' }).waitFor();
  await signIn(page, gateway.url, 'lovelace');
  await page.getByText('Your chats will be listed here.').waitFor();
  await context.close();
});

test('who has no Copilot is told so, and keeps what was typed', async () => {
  const { page, context } = await someone();
  await signIn(page, gateway.url, 'nocopilot');
  await page.locator('.picker.bad').waitFor();
  await context.close();
});
