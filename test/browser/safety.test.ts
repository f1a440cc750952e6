import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ask, type Browser, messageBox, openBrowser, saying, signIn, type Visitor, visit } from '../support/browser.ts';
import { type BrowserGateway, startBrowserGateway } from '../support/browser-gateway.ts';

let gateway: BrowserGateway;
let browser: Browser;
let mona: Visitor;

before(async () => {
  [gateway, browser] = await Promise.all([startBrowserGateway(), openBrowser()]);
  mona = await visit(browser, [gateway.url, gateway.standIn.url]);
  await mona.context.exposeFunction('attackWorked', (what: string) => mona.complaints.push(`ran: ${what}`));
  await signIn(mona.page, gateway.url, 'mona');
});

after(async () => {
  await browser.close();
  await gateway.close();
});

/** Answers that would run something on a page that believed them. */
const ATTACKS = [
  '<script>attackWorked("script")</script>',
  '<img src=x onerror=attackWorked("img")>',
  '<svg onload=attackWorked("svg")><svg/onload=attackWorked(1)>',
  '<iframe srcdoc="<script>parent.attackWorked(1)</script>"></iframe>',
  '<math><mtext><table><mglyph><style><img src=x onerror=attackWorked(1)>',
  '<a href="javascript:attackWorked(1)">raw</a> <b onmouseover=attackWorked(1)>hover</b>',
  '<form action="https://evil.example"><input name=a><button>go</button></form>',
  '<style>body{display:none}</style><link rel=stylesheet href=https://evil.example/a.css>',
  '<base href="https://evil.example/"><meta http-equiv=refresh content="0;url=https://evil.example">',
  '<object data="javascript:attackWorked(1)"></object><embed src="javascript:attackWorked(1)">',
  '[click](javascript:attackWorked(1)) [tab](java\tscript:attackWorked(1)) [ent](javascript&colon;attackWorked(1))',
  '[data](data:text/html,<script>attackWorked(1)</script>) <javascript:attackWorked(1)>',
  '[title](https://example.com "x\\" onmouseover=attackWorked(1) \\"")',
  '![image](https://evil.example/pixel.png) ![i](x"onerror="attackWorked(1))',
  '[ref][r]\n\n[r]: javascript:attackWorked(1)',
  '```html\n<script>attackWorked("code")</script>\n```',
  '```"><img/onerror=attackWorked(1)/src=x>\ncode\n```',
  '`<img src=x onerror=attackWorked(1)>` &lt;script&gt;attackWorked(1)&lt;/script&gt;',
  '| <img src=x onerror=attackWorked(1)> |\n|---|\n| <script>attackWorked(1)</script> |',
  '- [x] <img src=x onerror=attackWorked(1)>\n1. <svg onload=attackWorked(1)>',
  '<!-- --!><img src=x onerror=attackWorked(1)> --><br onload=attackWorked(1)><sub onclick=attackWorked(1)>a</sub>',
  '</script></div></main><script>attackWorked("close")</script>',
  '<kbd>a<kbd>b</b></i></kbd><sub>never closed',
  '\n\nevent: turn.completed\ndata: {}\n\nid: 99\n\n',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what a template injection looks like
  '{"__proto__":{"polluted":1}} ${attackWorked(1)} {{attackWorked(1)}}',
];

test('nothing that a model answers runs, loads, leads away or breaks the page', async () => {
  const { page } = mona;
  for (const attack of ATTACKS) {
    await ask(page, `A test. ${saying(`before\n\n${attack}\n\nafter`)}`);
    const answer = page.locator('.turn.newest .markdown');
    // Every link there is, is pressed as a person would press it: on the web or not at all.
    for (const href of await answer
      .locator('a')
      .evaluateAll((links) => links.map((link) => link.getAttribute('href') ?? ''))) {
      assert.match(href, /^(https?:|mailto:)/);
    }
    const forbidden = 'script, img, iframe, svg:not(.icon), form, style, link, base, meta, object, embed, math, input';
    assert.equal(await answer.locator(forbidden).count(), 0, attack);
    const handlers = await answer
      .locator('*')
      .evaluateAll((all) =>
        all.flatMap((element) => element.getAttributeNames().filter((name) => name.startsWith('on'))),
      );
    assert.deepEqual(handlers, [], attack);
  }
  await page.reload();
  await page.locator('.turns .turn').last().waitFor();
  await messageBox(page).waitFor();
  assert.deepEqual(mona.complaints, []);
  assert.deepEqual(mona.strayRequests, []);
});

test('links that may be followed tell the other side nothing and get no hold of this page', async () => {
  const { page } = mona;
  await ask(page, `A link. ${saying('See [the docs](https://example.com/docs).')}`);
  const link = page.locator('.turn.newest .markdown a');
  assert.equal(await link.getAttribute('target'), '_blank');
  assert.match((await link.getAttribute('rel')) ?? '', /noopener noreferrer/);
});

test('what a person says is shown as text, as the name of the chat too', async () => {
  const { page } = mona;
  await page.getByRole('button', { name: 'New chat', exact: true }).click();
  await page.getByRole('heading', { name: /Where to/ }).waitFor();
  await ask(page, '<img src=x onerror=attackWorked("mine")>');
  assert.equal(await page.locator('.chat-title').innerText(), '<img src=x onerror=attackWorked("mine")>');
  assert.deepEqual(mona.complaints, []);
});

test('the page’s policy forbids what it does not need', async () => {
  const answer = await fetch(gateway.url);
  const policy = answer.headers.get('content-security-policy') ?? '';
  for (const rule of [
    "default-src 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
    "form-action 'none'",
  ]) {
    assert.ok(policy.includes(rule), rule);
  }
  assert.doesNotMatch(policy, /unsafe|\*|https:(?!\/)/);
  assert.equal(answer.headers.get('cache-control'), 'no-cache');
  // Inline script is refused by a real browser, not only by the words of the policy.
  const refused = await mona.page.evaluate(() => {
    const script = document.createElement('script');
    try {
      script.textContent = 'window.ranInline = true';
      document.body.append(script);
    } catch {
      // Trusted Types refuse the text itself.
    }
    return !('ranInline' in window);
  });
  assert.equal(refused, true);
});
