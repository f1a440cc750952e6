import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  ask,
  type Browser,
  messageBox,
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
  mona = await visit(browser, [gateway.url, gateway.standIn.url], {
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  await signIn(mona.page, gateway.url, 'mona');
});

after(async () => {
  await browser.close();
  await gateway.close();
});

/** Begins a new chat with that message. */
async function newChat(text: string): Promise<string> {
  await mona.page.getByRole('button', { name: 'New chat', exact: true }).click();
  await mona.page.getByRole('heading', { name: /Where to/ }).waitFor();
  return ask(mona.page, text);
}

const listed = (title: string) => mona.page.locator('.chat-row').filter({ hasText: title });

async function choose(title: string, item: string): Promise<void> {
  await listed(title).hover();
  await listed(title).getByRole('button').click();
  await mona.page.getByRole('menuitem', { name: item, exact: true }).click();
}

test('a first message makes a chat, is answered, and gives it its name', async () => {
  const { page } = mona;
  assert.match(await newChat('Good morning, harbour'), /You said: Good morning, harbour/);
  assert.match(page.url(), /\/c\/[0-9a-f-]{36}$/);
  await shows(page.locator('.chat-title'), 'Good morning, harbour');
  await listed('Good morning, harbour').waitFor();
  assert.equal(await page.title(), 'Good morning, harbour · Pilothouse');
  assert.match(await ask(page, 'And what did I say before?'), /Good morning, harbour/);
});

test('an answer is shown while it is made, and what stands does not flicker', async () => {
  const { page } = mona;
  await newChat('begin');
  const text =
    '# One\n\nfirst paragraph\n\n- a\n- b\n\n```js\nconst one = 1;\nconst two = 2;\n```\n\nlast words come here';
  await say(page, `${saying(text)} [[pace:60]]`);
  const answer = page.locator('.turn.newest .answer');
  await answer.getByText('first paragraph').waitFor();
  // Marked while the answer still grows: were the elements made anew, the marks would be gone.
  await answer.getByRole('heading', { name: 'One' }).evaluate((element) => element.setAttribute('data-mark', '1'));
  assert.equal(await answer.getAttribute('aria-busy'), 'true');
  await wholeAnswer(page);
  assert.equal(await answer.getByRole('heading', { name: 'One' }).getAttribute('data-mark'), '1');
  await answer.locator('.hl-keyword').first().waitFor();
  await answer.getByRole('button', { name: 'Copy code' }).click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'const one = 1;\nconst two = 2;');
  await answer.getByRole('button', { name: 'Copy answer' }).click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), text);
});

test('an answer can be stopped; what was said stays', async () => {
  const { page } = mona;
  await newChat('begin');
  await say(page, '[[tokens:500]] [[pace:50]]');
  await shows(page.locator('.turn.newest .markdown'), 'w3 ');
  await page.getByRole('button', { name: 'Stop the answer' }).click();
  await shows(page.locator('.turn.newest'), 'You stopped this answer.');
  assert.match(await (await wholeAnswer(page)).innerText(), /w1 w2 w3/);
  assert.match(await ask(page, 'Go on'), /You said: Go on/);
});

test('an error stands in its place, and asking again does not double the question on the way', async () => {
  const { page } = mona;
  await newChat('begin');
  await say(page, 'Please [[fault:400]]');
  const note = page.locator('.turn.newest .note.bad');
  await note.waitFor();
  const before = await page.locator('.turns .turn').count();
  await note.getByRole('button', { name: 'Ask again' }).dblclick();
  await page.locator('.turns .turn').nth(before).waitFor();
  await page.locator('.turn.newest .note.bad').waitFor();
  assert.equal(await page.locator('.turns .turn').count(), before + 1);
});

test('a chat is renamed, pinned, archived, brought back', async () => {
  const { page } = mona;
  await newChat('The tide tables');
  await choose('The tide tables', 'Rename');
  await page.getByLabel('Name of the chat').fill('Tides');
  await page.getByRole('button', { name: 'Save' }).click();
  await shows(page.locator('.chat-title'), /^Tides$/);
  await choose('Tides', 'Pin');
  await page.getByRole('region', { name: 'Pinned' }).getByText('Tides').waitFor();
  await choose('Tides', 'Archive');
  await listed('Tides').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Archived chats' }).click();
  await choose('Tides', 'Bring back');
  await page.getByRole('button', { name: 'Back to chats' }).click();
  await listed('Tides').waitFor();
});

test('a used-up quota leads to what tells when it starts anew, a conversation too long to a new one', async () => {
  const { page } = mona;
  await newChat('begin');
  await say(page, 'Please [[fault:402]]');
  const note = page.locator('.turn.newest .note.bad');
  await note.getByRole('button', { name: 'Go to usage' }).click();
  await page.getByRole('tabpanel', { name: 'Usage' }).waitFor();
  await page.keyboard.press('Escape');
  await note.getByRole('button', { name: 'Ask again' }).waitFor();
  await say(page, 'Please [[fault:400 code=model_max_prompt_tokens_exceeded]]');
  await note.getByRole('button', { name: 'New chat' }).click();
  await page.getByRole('heading', { name: /Where to/ }).waitFor();
});

test('a search finds words of messages', async () => {
  const { page } = mona;
  await newChat('Something about barnacles');
  await newChat('Something else entirely');
  await page.getByRole('searchbox').fill('barnacles');
  await listed('Something else entirely').waitFor({ state: 'detached' });
  await listed('Something about barnacles').waitFor();
  await page.getByRole('searchbox').fill('');
  await listed('Something else entirely').waitFor();
});

test('a deleted chat can be had back; without a word it is gone when the page is closed', async () => {
  const { page } = mona;
  await newChat('To be kept after all');
  await choose('To be kept after all', 'Delete');
  await listed('To be kept after all').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Undo' }).click();
  await listed('To be kept after all').waitFor();
  await choose('To be kept after all', 'Delete');
  await page.reload();
  await messageBox(page).waitFor();
  await page.getByText('Something about barnacles').waitFor();
  await listed('To be kept after all').waitFor({ state: 'detached' });
});

test('the model is chosen per chat and named above its answers; another answer comes from the one that is chosen now', async () => {
  const { page } = mona;
  await newChat('With whom do I speak?');
  const changed = page.waitForResponse((response) => response.request().method() === 'PATCH');
  await page.getByRole('combobox', { name: 'Model' }).selectOption({ label: 'Claude Sonnet 4.5 · 1×' });
  assert.equal((await changed).status(), 200);
  await ask(page, 'And now?');
  await shows(page.locator('.turn.newest .model-name'), 'Claude Sonnet 4.5');
  const again = page.waitForResponse((response) => response.request().method() === 'PATCH');
  await page.getByRole('combobox', { name: 'Model' }).selectOption({ label: 'GPT-5.4 · 1×' });
  await again;
  await page.getByRole('button', { name: 'Another answer' }).click();
  await shows(page.locator('.turn.newest .model-name'), 'GPT-5.4');
  await shows(page.locator('.turn.newest .answer[aria-busy="false"]'), 'You said: And now?');
});

test('a picked image goes along and is made smaller where it must be', async () => {
  const { page } = mona;
  await newChat('begin');
  const changed = page.waitForResponse((response) => response.request().method() === 'PATCH');
  await page.getByRole('combobox', { name: 'Model' }).selectOption({ label: 'GPT-5.4 · 1×' });
  await changed;
  // Noise does not compress: as PNG it is far over the limit.
  await page.locator('input[type=file]').evaluate(async (input: HTMLInputElement) => {
    const canvas = new OffscreenCanvas(1600, 1200);
    const pixels = new ImageData(1600, 1200);
    for (let at = 0; at < pixels.data.length; at += 65_536)
      crypto.getRandomValues(pixels.data.subarray(at, at + 65_536));
    canvas.getContext('2d')?.putImageData(pixels, 0, 0);
    const chosen = new DataTransfer();
    chosen.items.add(new File([await canvas.convertToBlob({ type: 'image/png' })], 'noise.png', { type: 'image/png' }));
    input.files = chosen.files;
    input.dispatchEvent(new Event('change', { bubbles: true }));
  });
  await page.getByAltText('noise.png').waitFor();
  assert.match(await ask(page, 'What is this?'), /I can see 1 image/);
  const data = await page.locator('.turn.newest .pictures img').getAttribute('src');
  assert.match(data ?? '', /^data:image\/webp;base64,/);
  assert.ok((data ?? '').length < 1_000_000);
});

test('nothing complained and nothing was asked of another host', () => {
  assert.deepEqual(mona.complaints, []);
  assert.deepEqual(mona.strayRequests, []);
});
