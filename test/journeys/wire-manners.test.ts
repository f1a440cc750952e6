/** How the gateway answers what is odd at the wire: strangers, broken addresses, callers who want two things at once. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { it } from 'node:test';
import { GatewayError } from '../../src/errors.ts';
import { startTestGateway } from '../support/gateway.ts';
import { all } from '../support/http-browser.ts';

it('strangers who guess are stopped, without those who are signed in at the same address', async (test) => {
  const t = await startTestGateway({ env: { RATE_LIMIT_PER_MINUTE: '8' } });
  test.after(() => t.close());
  const mona = await t.signIn('mona');
  const stranger = t.browser();
  const statuses = [];
  for (let guess = 0; guess < 10; guess += 1) {
    statuses.push((await stranger.get('/api/me', { authorization: `Bearer guess-${guess}` })).status);
  }
  assert.deepEqual(statuses, [...Array(8).fill(401), 429, 429]);
  assert.equal((await mona.get('/api/me')).status, 200);
});

it('a sign-in that GitHub no longer takes is no guess', async (test) => {
  const t = await startTestGateway({ env: { RATE_LIMIT_PER_MINUTE: '8' } });
  test.after(() => t.close());
  const mona = await t.signIn('mona');
  t.standIn.revokeAllTokens('mona');
  const codes = [];
  for (let call = 0; call < 8; call += 1) codes.push((await mona.get('/api/models')).body.code);
  assert.ok(codes.includes('reauth_required'), codes.join());
  assert.equal((await t.browser().get('/api/me')).status, 401);
});

it('a call to a named chat is answered, though a refused call takes that chat back', async (test) => {
  const t = await startTestGateway();
  test.after(() => t.close());
  const mona = await t.signIn('mona');
  const { engine } = t.gateway;
  const submit = engine.submit.bind(engine);
  test.mock.method(engine, 'submit', async (request: Parameters<typeof submit>[0]) => {
    if (request.content === 'refused') {
      // The other call finds the chat of this one, which is gone by the time its message comes.
      const [answer] = await Promise.all([ask('wanted'), found.promise]);
      answered.resolve(answer);
      throw new GatewayError('too_many_turns', 'No.');
    }
    if (found.first) {
      found.first = false;
      found.resolve();
      await mona.delete(`/api/chats/${request.chat.id}`);
    }
    return submit(request);
  });
  const ask = (message: string) => mona.post('/api/chat', { sessionId: 'plans', message });
  const found = { ...Promise.withResolvers<void>(), first: true };
  const answered = Promise.withResolvers<Awaited<ReturnType<typeof ask>>>();
  assert.equal((await ask('refused')).status, 429);
  const { status, body } = await answered.promise;
  assert.deepEqual([status, body.sessionId], [200, 'plans']);
  const { items } = (await mona.get('/api/chats')).body;
  assert.deepEqual(
    items.map(({ sessionId }: { sessionId: string }) => sessionId),
    ['plans'],
  );
});

it('what is refused before there is a route is refused like everything else', async (test) => {
  const t = await startTestGateway();
  test.after(() => t.close());
  const mona = await t.signIn('mona');
  const cases: [path: string, status: number, code: string][] = [
    ['/api/chats/%zz', 400, 'validation_failed'],
    [`/api/chats/${'x'.repeat(201)}`, 404, 'not_found'],
    [`/api/turns/${'x'.repeat(201)}/events`, 404, 'not_found'],
  ];
  for (const [path, status, code] of cases) {
    const { headers, body, ...answer } = await mona.get(path, { 'x-request-id': 'my-own-id' });
    assert.deepEqual([answer.status, body.status, body.code, body.requestId], [status, status, code, 'my-own-id']);
    assert.match(headers.get('content-type') ?? '', /^application\/problem\+json/);
    assert.equal(headers.get('x-request-id'), 'my-own-id');
  }
  const { status, body, headers } = await mona.get('/v1/models/%zz');
  assert.deepEqual([status, body.error.type], [400, 'invalid_request_error']);
  assert.ok(headers.get('x-request-id'));
});

it('and so is what is no request at all', async (test) => {
  const t = await startTestGateway();
  test.after(() => t.close());
  const say = (words: string) => {
    const socket = connect(Number(new URL(t.url).port), '127.0.0.1');
    socket.write(words);
    return text(socket);
  };
  for (const [words, status] of [
    [`GET / HTTP/1.1\r\nhost: x\r\nx-much: ${'y'.repeat(20_000)}\r\n\r\n`, 431],
    ['tea, please\r\n\r\n', 400],
  ] as const) {
    const [head = '', body = ''] = (await say(words)).split('\r\n\r\n');
    assert.match(head, new RegExp(`^HTTP/1.1 ${status} `));
    const problem = JSON.parse(body);
    assert.equal(problem.status, status);
    assert.ok(head.includes(`x-request-id: ${problem.requestId}`));
  }
});

it('the operators’ listener names its answers too', async (test) => {
  const t = await startTestGateway({ env: { OPS_PORT: '0' } });
  test.after(() => t.close());
  const line = t.logLines.map((each) => JSON.parse(each)).find(({ msg }) => msg === 'the ops listener is ready');
  for (const path of ['/healthz', '/metrics', '/admin/users', '/nothing', '/%zz']) {
    const { headers } = await fetch(new URL(path, line.address));
    assert.match(headers.get('x-request-id') ?? '', /^[0-9a-f-]{36}$/, path);
  }
});

it('a retry is answered with the first turn though Copilot is away and the gateway takes nothing new', async (test) => {
  const t = await startTestGateway();
  test.after(() => t.close());
  const mona = await t.signIn('mona');
  const chat = (await mona.post('/api/chats', {})).body.id;
  const messages = `/api/chats/${chat}/messages`;
  const calls: [path: string, body: Record<string, string>][] = [
    [messages, { content: 'hello' }],
    [`/api/chats/${chat}/regenerate`, {}],
    ['/api/chat', { message: 'hello' }],
  ];
  const call = ([path, body]: (typeof calls)[number]) => mona.post(path, body, { 'idempotency-key': `key ${path}` });
  const told = ({ status, body }: Awaited<ReturnType<typeof call>>) => [status, body.turn?.id ?? body.sessionId];
  const firsts = [];
  for (const each of calls) firsts.push(told(await call(each)));
  t.standIn.revokeAllTokens('mona');
  await t.gateway.engine.drain(0);
  assert.ok((await mona.post(messages, { content: 'new' })).status >= 400);
  const again = [];
  for (const each of calls) again.push(told(await call(each)));
  assert.deepEqual(again, firsts);
  assert.ok(firsts.every(([status]) => status === 200));
  const other = await mona.post(messages, { content: 'other' }, { 'idempotency-key': `key ${messages}` });
  assert.deepEqual([other.status, other.body.code], [422, 'idempotency_mismatch']);
});

it('an id that cannot be one is not found', async (test) => {
  const t = await startTestGateway();
  test.after(() => t.close());
  const mona = await t.signIn('mona');
  for (const id of ['x'.repeat(65), '']) {
    for (const [method, path] of [
      ['GET', `/api/chats/${id}`],
      ['GET', `/api/turns/${id}`],
      ['DELETE', `/api/tokens/${id}`],
      ['DELETE', `/api/me/sessions/${id}`],
    ] as const) {
      const { status, body } = await mona.call(method, path);
      assert.deepEqual([status, body.code], [404, 'not_found'], `${method} ${path}`);
    }
  }
});

it('a gateway whose port is taken closes, and what waits is run by the next', async (test) => {
  const t = await startTestGateway({ env: { SHUTDOWN_GRACE_SECONDS: '4' } });
  test.after(() => t.close());
  const mona = await t.signIn('mona');
  const messages = `/api/chats/${(await mona.post('/api/chats', {})).body.id}/messages`;
  const async = { prefer: 'respond-async' };
  await mona.post(messages, { content: '[[fault:hang]]' }, async);
  const { turn } = (await mona.post(messages, { content: 'later', delivery: 'queue' }, async)).body;
  await t.gateway.shutdown();
  const squatter = createServer().listen(Number(new URL(t.url).port), '127.0.0.1');
  await once(squatter, 'listening');
  await assert.rejects(t.restart(), { code: 'EADDRINUSE' });
  await new Promise((resolve) => squatter.close(resolve));
  await t.restart();
  const last = (await all(mona.stream(`/api/turns/${turn.id}/events`))).at(-1);
  assert.equal(last?.event, 'turn.completed');
});

it('an export holds every model call, however many there were', async (test) => {
  const t = await startTestGateway();
  test.after(() => t.close());
  const mona = await t.signIn('mona');
  const { id } = (await mona.get('/api/me')).body;
  const database = new DatabaseSync(join(t.dataDir, 'gateway.db'));
  const at = Date.now() - 10_000;
  // A row each millisecond but every third, so that pages end between equal times.
  database.exec(`with recursive n(i) as (select 1 union all select i + 1 from n where i < 1234)
    insert into usage_records (id, user_id, model, input_tokens, output_tokens, cached_tokens, created_at)
    select 'u' || i, '${id}', 'm', 1, 1, 0, ${at} + i / 3 from n`);
  database.close();
  const lines = (await (await mona.fetch('/api/me/export')).text()).trim().split('\n');
  const calls = lines.map((line) => JSON.parse(line)).filter(({ type }) => type === 'usage');
  assert.equal(new Set(calls.map((call) => call.id)).size, 1234);
  assert.equal(calls.length, 1234);
});
