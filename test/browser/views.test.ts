import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  ask,
  type Browser,
  messageBox,
  openBrowser,
  type Page,
  picture,
  saying,
  signIn,
  visit,
  wholeAnswer,
} from '../support/browser.ts';
import { checkForEveryone } from '../support/browser-checker.ts';
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
        await checkForEveryone(page, view);
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
  await checkForEveryone(page, 'first page in Korean');
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
