/** What operators see of a real gateway: metrics, health, the log line of a request, the audit trail, the admin API. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { runAdmin } from '../../scripts/admin.ts';
import { mintOperatorToken } from '../../src/admin/operator-token.ts';
import { freePort, startTestGateway, type TestGateway } from '../support/gateway.ts';
import type { Browser } from '../support/http-browser.ts';

describe('Without OPS_PORT', () => {
  let gateway: TestGateway;
  let mona: Browser;

  before(async () => {
    gateway = await startTestGateway({ env: { ADMIN_USERS: 'hubot' } });
    mona = await gateway.signIn('mona');
  });
  after(() => gateway.close());

  const logged = (matches: (line: Record<string, unknown>) => boolean) =>
    gateway.logLines.map((line) => JSON.parse(line) as Record<string, unknown>).filter(matches);

  it('metrics count requests by route, turns by model and outcome, and name nobody', async () => {
    const { body: chat } = await mona.post('/api/chats', {});
    await mona.post(`/api/chats/${chat.id}/messages`, { content: 'hello' });
    await mona.get(`/api/chats/${chat.id}?canary=secret-query`);
    await mona.get('/no/such/path/4711');
    const { status, text } = await mona.get('/metrics');
    assert.equal(status, 200);
    assert.match(
      text,
      /pilothouse_http_request_seconds_count\{method="GET",route="\/api\/chats\/:chatId",status_code="200"\} 1/,
    );
    assert.match(text, /pilothouse_turns_total\{outcome="completed",model="[^"]+"\} 1/);
    assert.match(text, /pilothouse_time_to_first_token_seconds_count 1/);
    assert.match(text, /pilothouse_lease_seconds_count\{cold="true"\} 1/);
    assert.match(text, /pilothouse_store_seconds_count\{call="turns.accept"\} 1/);
    assert.match(text, /pilothouse_runtimes_healthy 1/);
    assert.match(text, /nodejs_eventloop_lag_p99_seconds/);
    // A measured value may happen to have those digits: names and labels may not.
    const names = text.replace(/ \S+$/gm, '');
    for (const word of [chat.id, 'mona', '1001', '4711', 'canary'])
      assert.ok(!names.includes(word), `${word} in metrics`);
  });

  it('answers operators on this machine only: no proxy, no other name', async () => {
    for (const [name, value] of Object.entries({
      'x-forwarded-for': '127.0.0.1',
      forwarded: 'for=127.0.0.1',
      'x-real-ip': '127.0.0.1',
      via: '1.1 proxy',
    })) {
      assert.equal((await mona.get('/metrics', { [name]: value })).status, 404, name);
      assert.equal((await mona.get('/admin/users', { [name]: value })).status, 404, name);
    }
    const rebound = await gateway.gateway.app.inject({ url: '/metrics', headers: { host: 'evil.example' } });
    assert.equal(rebound.statusCode, 404);
    const remote = await gateway.gateway.app.inject({
      url: '/metrics',
      remoteAddress: '10.1.2.3',
      headers: { host: 'localhost' },
    });
    assert.equal(remote.statusCode, 404);
  });

  it('a request is one line in the log, without its query, with who asked', async () => {
    const { headers } = await mona.get('/api/chats?q=very-private-words');
    const requestId = headers.get('x-request-id');
    const lines = logged((line) => line.requestId === requestId);
    assert.equal(lines.length, 1);
    const { method, path, route, status, userId, ms } = lines[0] ?? {};
    assert.deepEqual(
      { method, path, route, status, userId },
      {
        ...{ method: 'GET', path: '/api/chats', route: '/api/chats', status: 200, userId: '1001' },
      },
    );
    assert.equal(typeof ms, 'number');
    assert.ok(!gateway.logLines.join('').includes('very-private-words'));
  });

  it('health answers without a trace in the log; readiness says what it depends on, and no names', async () => {
    assert.deepEqual((await mona.get('/healthz')).body, { status: 'ok' });
    const { status, body } = await mona.get('/readyz');
    assert.equal(status, 200);
    assert.equal(body.status, 'ready');
    assert.equal(body.store.ok, true);
    assert.equal(body.runtimes.topology, 'isolated');
    assert.equal(body.runtimes.items, undefined);
    assert.ok(!gateway.logLines.some((line) => /healthz|readyz/.test(line)));
  });

  it('nobody but an operator in ADMIN_USERS uses the admin API', async () => {
    assert.equal((await mona.get('/admin/users')).status, 401);
    assert.equal((await gateway.browser().get('/admin/users')).status, 401);
    const forged = await mintOperatorToken('hubot', new Uint8Array(32));
    assert.equal((await gateway.browser().get('/admin/users', { authorization: `Bearer ${forged}` })).status, 401);
    await assert.rejects(runAdmin(['--as', 'mona', 'users'], gateway.env), /npm run admin/);
    await assert.rejects(runAdmin(['users'], { ...gateway.env, ADMIN_USERS: '' }), /ADMIN_USERS is empty/);
    assert.ok(logged(({ audit, action }) => audit === true && action === 'admin.refused').length >= 2);
  });

  it('an operator finds a person, signs them out everywhere, blocks and unblocks them', async () => {
    const { items } = JSON.parse(await runAdmin(['users', 'MON'], gateway.env));
    assert.deepEqual(
      items.map(({ id, login }: { id: string; login: string }) => [id, login]),
      [['1001', 'mona']],
    );
    assert.notEqual(items[0].lastSeenAt, null);

    const octavia = await gateway.signIn('octavia');
    await runAdmin(['revoke', '1003'], gateway.env);
    assert.equal((await octavia.get('/api/me')).status, 401);
    assert.equal((await (await gateway.signIn('octavia')).get('/api/me')).status, 200);

    await runAdmin(['block', '1003'], gateway.env);
    await assert.rejects(gateway.signIn('octavia'), /403/);
    await runAdmin(['unblock', '1003'], gateway.env);
    assert.equal((await (await gateway.signIn('octavia')).get('/api/me')).status, 200);
    await assert.rejects(runAdmin(['block', '9999'], gateway.env), /no such user/);

    const trail = JSON.parse(await runAdmin(['audit', '1003'], gateway.env)).items as {
      action: string;
      actor: string;
    }[];
    const acts = trail.map(({ action }) => action).reverse();
    assert.deepEqual(
      acts.filter((action) => action.startsWith('admin.')),
      [...['admin.user.revoke', 'admin.user.block', 'admin.user.unblock']],
    );
    for (const act of ['sign_in', 'access.ended']) assert.ok(acts.includes(act), `${act} is not in ${acts.join()}`);
    assert.ok(
      logged(
        ({ audit, action, detail }) => audit === true && action === 'sign_in.refused' && detail === 'account_blocked',
      ).length === 1,
    );
    assert.ok(trail.some(({ actor }) => actor === 'admin:hubot'));
  });

  it('an operator sees jobs and asks for one', async () => {
    const { items } = JSON.parse(await runAdmin(['jobs'], gateway.env));
    assert.ok(items.some(({ name }: { name: string }) => name === 'expired-web-sessions'));
    await runAdmin(['run-job', 'expired-web-sessions'], gateway.env);
    await assert.rejects(runAdmin(['run-job', 'nothing'], gateway.env), /no such job/);
  });

  it('what was recorded of a person goes with them', async () => {
    const lovelace = await gateway.signIn('lovelace');
    assert.notEqual(JSON.parse(await runAdmin(['audit', '1004'], gateway.env)).items.length, 0);
    assert.equal((await lovelace.delete('/api/me')).status, 204);
    assert.deepEqual(JSON.parse(await runAdmin(['audit', '1004'], gateway.env)).items, []);
    assert.equal(JSON.parse(await runAdmin(['audit'], gateway.env)).items[0].action, 'account.erase');
  });
});

describe('With OPS_PORT', () => {
  let gateway: TestGateway;
  let ops = '';

  before(async () => {
    const port = await freePort();
    ops = `http://127.0.0.1:${port}`;
    gateway = await startTestGateway({ env: { OPS_PORT: String(port), ADMIN_USERS: 'hubot' } });
  });
  after(() => gateway.close());

  it('operators have a listener of their own, and the main port has nothing for them', async () => {
    assert.equal((await fetch(`${ops}/metrics`)).status, 200);
    assert.equal((await fetch(`${ops}/readyz`)).status, 200);
    assert.equal((await fetch(`${ops}/admin/users`)).status, 401);
    for (const path of ['/metrics', '/admin/users']) assert.equal((await gateway.browser().get(path)).status, 404);
    assert.equal(JSON.parse(await runAdmin(['runtimes'], gateway.env)).topology, 'isolated');
  });

  it('draining makes the instance unready and refuses new turns, while it goes on answering', async () => {
    const mona = await gateway.signIn('mona');
    const { body: chat } = await mona.post('/api/chats', {});
    await runAdmin(['drain'], gateway.env);
    const ready = await mona.get('/readyz');
    assert.equal(ready.status, 503);
    assert.equal(ready.body.status, 'draining');
    const refused = await mona.post(`/api/chats/${chat.id}/messages`, { content: 'hello' });
    assert.equal(refused.status, 503);
    assert.equal(refused.body.code, 'shutting_down');
    assert.equal((await mona.get('/api/chats')).status, 200);
  });
});
