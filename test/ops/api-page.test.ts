/** The page of the API's document in a real browser, under the policy it is served with. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Browser, openBrowser, visit } from '../support/browser.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

describe('The page of the document', { timeout: 120_000 }, () => {
  let gateway: TestGateway;
  let browser: Browser;

  before(async () => {
    [gateway, browser] = await Promise.all([startTestGateway(), openBrowser()]);
  });
  after(async () => {
    await browser?.close();
    await gateway?.close();
  });

  it('shows every operation, and its policy refuses it nothing', async () => {
    const { page, complaints, strayRequests } = await visit(browser, [gateway.url]);
    await page.goto(`${gateway.url}/docs`);
    const operation = page.locator('#operations-messages-sendMessage');
    await operation.waitFor();
    await operation.locator('.opblock-summary').click();
    await operation.getByText('turn_running').first().waitFor();
    const { body } = await gateway.browser().get('/openapi.json');
    const described = Object.values(body.paths as Record<string, object>).flatMap(Object.keys);
    assert.equal(await page.locator('.opblock').count(), described.length);
    assert.deepEqual(complaints, []);
    assert.deepEqual(strayRequests, []);
  });

  it('comes with a policy that names no other host and rewrites no address', async () => {
    for (const path of ['/docs', '/docs/static/swagger-ui.css']) {
      const { status, headers } = await gateway.browser().get(path);
      const policy = headers.get('content-security-policy') ?? '';
      assert.equal(status, 200);
      assert.doesNotMatch(policy, /https?:|upgrade-insecure|\*|unsafe-|validator/);
      assert.match(policy, /default-src 'none'; script-src 'self';/);
    }
  });
});
