/** Where an answer of OpenAI's API ends before its time: refusals, deadlines, a gateway that goes. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { all } from '../support/http-browser.ts';
import { asked, failure, type MadeToken, makeToken, openAiClient, until } from '../support/programs.ts';

describe('a request to /v1 that is refused', () => {
  let gateway: TestGateway;
  let reader: MadeToken;
  before(async () => {
    gateway = await startTestGateway({ env: { RATE_LIMIT_PER_MINUTE: '20' } });
    reader = await makeToken(await gateway.signIn('mona'), ['chats:read']);
  });
  after(() => gateway.close());

  const send = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`${gateway.url}${path}`, init);
    const { error } = (await response.json()) as { error: Record<string, unknown> };
    return { status: response.status, error, headers: response.headers };
  };
  const bearer = () => ({ authorization: `Bearer ${reader.token}`, 'content-type': 'application/json' });

  it("is told in OpenAI's envelope, whoever refused it", async () => {
    const post = { method: 'POST', headers: bearer() };
    const cases = [
      [401, 'invalid_api_key', await send('/v1/models')],
      [401, 'invalid_api_key', await send('/v1/models', { headers: { authorization: 'Bearer sk-nonsense' } })],
      [403, 'insufficient_scope', await send('/v1/chat/completions', { ...post, body: '{}' })],
      [404, 'unknown_url', await send('/v1/embeddings', post)],
      [404, 'unknown_url', await send('/v1/chat/completions', { headers: bearer() })],
    ] as const;
    for (const [status, code, { status: got, error }] of cases) {
      assert.deepEqual([got, error.code], [status, code]);
      assert.deepEqual(new Set(Object.keys(error)), new Set(['message', 'type', 'param', 'code']));
    }
  });

  it('and so is one that cannot be read, or is too large', async () => {
    const writer = await makeToken(await gateway.signIn('hubot'));
    const headers = { authorization: `Bearer ${writer.token}`, 'content-type': 'application/json' };
    const post = (body: string, extra = {}) =>
      send('/v1/chat/completions', { method: 'POST', headers: { ...headers, ...extra }, body });
    assert.equal((await post('{"messages":')).status, 400);
    assert.equal((await post('x', { 'content-type': 'text/plain' })).status, 415);
    assert.equal((await post(`{"messages":"${'x'.repeat(8 * 1024 * 1024)}"}`)).status, 413);
    const { status, error } = await post('{"messages":[{"role":1}]}');
    assert.deepEqual([status, error.param], [400, 'messages[0].role']);
  });

  it('and one too many, with the time to wait', async () => {
    const sent = await Promise.all(
      Array.from({ length: 30 }, () => fetch(`${gateway.url}/v1/models`, { headers: bearer() })),
    );
    const first = sent.find(({ status }) => status === 429);
    assert.ok(first);
    const { error } = (await first.json()) as { error: { code: string } };
    assert.equal(error.code, 'rate_limit_exceeded');
    assert.match(first.headers.get('retry-after') ?? '', /^\d+$/);
  });
});

describe('a model that does not begin', () => {
  it('is not waited for longer than a turn would wait, and the status says so', async () => {
    const gateway = await startTestGateway({ env: { TURN_FIRST_TOKEN_SECONDS: '1' } });
    try {
      const client = openAiClient(gateway, (await makeToken(await gateway.signIn('mona'))).token);
      const error = await failure(client.chat.completions.create({ ...asked('[[fault:hang]]'), stream: true }));
      assert.deepEqual([error.status, error.code], [504, 'first_token_timeout']);
    } finally {
      await gateway.close();
    }
  });
});

describe('a gateway that shuts down', () => {
  it('lets an answer end, and says so to one that does not in time', async () => {
    const gateway = await startTestGateway({ env: { SHUTDOWN_GRACE_SECONDS: '4' } });
    const { token } = await makeToken(await gateway.signIn('mona'));
    const client = openAiClient(gateway, token);
    const short = client.chat.completions.create(asked('[[tokens:20]] [[pace:10]]'));
    const long = await client.chat.completions.create({ ...asked('[[tokens:9000]] [[pace:10]]'), stream: true });
    const told = failure(all(long));
    await until('both run', () => gateway.standIn.modelRequests.length >= 2);
    const closed = gateway.close();
    assert.equal((await short).choices[0]?.finish_reason, 'stop');
    assert.equal((await told).code, 'interrupted');
    await closed;
  });

  it('does not wait for a connection that brings nothing', async () => {
    const gateway = await startTestGateway();
    const silent = connect(Number(new URL(gateway.url).port), '127.0.0.1');
    await once(silent, 'connect');
    const cut = once(silent, 'close');
    const began = performance.now();
    await gateway.close();
    assert.ok(performance.now() - began < 10_000);
    await cut;
  });
});

describe('a request to /v1 without a model', () => {
  it('is answered by the default, also where its person may not use that, as a chat is', async () => {
    const gateway = await startTestGateway({ env: { COPILOT_MODEL: 'gpt-5-mini' } });
    try {
      const mona = await gateway.signIn('mona');
      const { token } = await makeToken(mona);
      const body = JSON.stringify({ messages: [{ role: 'user', content: 'hello' }] });
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      const answered = async () => {
        const response = await fetch(`${gateway.url}/v1/chat/completions`, { method: 'POST', headers, body });
        assert.equal(response.status, 200);
        return ((await response.json()) as { model: string }).model;
      };
      assert.equal(await answered(), 'gpt-5-mini');
      gateway.standIn.setModels('mona', [{ id: 'claude-haiku-4.5' }]);
      // Lists are kept for a while: a gateway that has just started asks.
      await gateway.restart();
      assert.equal(await answered(), 'claude-haiku-4.5');
      const { body: chat } = await mona.post('/api/chats', {});
      const sent = await mona.post(`/api/chats/${chat.id}/messages`, { content: 'hello' });
      assert.equal(sent.body.turn.model, 'claude-haiku-4.5');
    } finally {
      await gateway.close();
    }
  });
});
