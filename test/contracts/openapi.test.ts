/** The API's document is true of a running gateway: every route is in it, and real answers are what it describes. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ERROR_CODES } from '../../src/errors.ts';
import { OPERATIONS } from '../../src/ops/api-operations.ts';
import type { ApiDocument } from '../../src/ops/api-types.ts';
import { SCOPES } from '../../src/principal.ts';
import { ApiContract } from '../support/api-contract.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import type { Browser } from '../support/http-browser.ts';
import { asked, MODEL, makeToken } from '../support/programs.ts';
import { routesOf } from '../support/route-table.ts';

let gateway: TestGateway;
let contract: ApiContract;

before(async () => {
  gateway = await startTestGateway();
  const { body } = await gateway.browser().call<ApiDocument>('GET', '/openapi.json');
  contract = new ApiContract(body);
});
after(() => gateway.close());

/** Asks, and holds the answer to the document. */
async function ask(who: Browser, request: string, body?: unknown, headers: Record<string, string> = {}) {
  const [method = '', path = ''] = request.split(' ');
  const answer = await who.call(method, path, body, headers);
  contract.hold(method, path, answer);
  return answer;
}

describe('The document', () => {
  it('is OpenAPI 3.1 whose references lead somewhere and whose names are used once', () => {
    assert.match(contract.document.openapi, /^3\.1\.\d+$/);
    const text = JSON.stringify(contract.document);
    for (const [, reference] of text.matchAll(/"\$ref":"([^"]+)"/g)) contract.at(reference ?? '');
    assert.ok(!text.includes('"nullable"') && !text.includes('Default Response'));
    const ids = contract.operations.map(({ operationId }) => operationId);
    assert.equal(new Set(ids).size, ids.length);
  });

  it('has every route of the API, and no other', () => {
    const routes = routesOf(gateway.gateway.app)
      .filter(({ method, path }) => /^\/(api|v1|auth|\.well-known)\//.test(path) && !/HEAD|OPTIONS/.test(method))
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`);
    const described = contract.operations.map(({ method, path }) => `${method} ${path}`);
    assert.deepEqual(new Set(described), new Set(routes));
    assert.deepEqual(new Set(Object.keys(OPERATIONS)), new Set(described));
  });

  it('says of every route what it is about, who may, and how it can fail', () => {
    for (const { method, path, ...operation } of contract.operations) {
      const about = `${method} ${path}`;
      assert.ok(operation.summary && operation.tags?.length === 1 && operation.operationId, about);
      const scope = operation['x-scope'] ?? '';
      assert.ok(['public', 'session', ...SCOPES].includes(scope), about);
      const ways = (operation.security ?? []).flatMap((way) => Object.keys(way));
      assert.deepEqual(ways, scope === 'public' ? [] : scope === 'session' ? ['session'] : ['session', 'token'], about);
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const given = (operation.parameters ?? []) as { in: string; name: string }[];
      assert.deepEqual(
        given.filter((it) => it.in === 'path').map(({ name }) => name),
        named,
        about,
      );
      const statuses = Object.keys(operation.responses);
      assert.ok(statuses.some((status) => /^[23]/.test(status)) && statuses.includes('429'), about);
      for (const { description, content } of Object.values(operation.responses)) {
        assert.ok(description, about);
        for (const { schema } of Object.values(content ?? {})) assert.ok(Object.keys(schema).length > 0, about);
      }
    }
  });

  it('names every error code in the problem', () => {
    const problem = contract.at('#/components/schemas/Problem') as { properties: { code: { enum: string[] } } };
    assert.deepEqual(problem.properties.code.enum, Object.keys(ERROR_CODES));
  });

  it('has examples that are what they are examples of', () => {
    let count = 0;
    for (const { operationId, requestBody, responses } of contract.operations) {
      for (const { content } of [requestBody ?? { content: {} }, ...Object.values(responses)]) {
        for (const { schema, example } of Object.values(content ?? {})) {
          if (example === undefined) continue;
          contract.fits(schema, example, `${operationId}'s example`);
          count += 1;
        }
      }
    }
    assert.ok(count > 200, `${count}`);
  });
});

describe('A running gateway answers what the document describes', { timeout: 120_000 }, () => {
  let mona: Browser;
  let chatId = '';

  before(async () => {
    mona = await gateway.signIn('mona');
    chatId = (await ask(mona, 'POST /api/chats', { title: 'Contract' })).body.id;
  });

  it('about chats', async () => {
    await ask(mona, 'GET /api/chats?limit=1');
    await ask(mona, `GET /api/chats/${chatId}`);
    await ask(mona, `PATCH /api/chats/${chatId}`, { pinned: true });
    await ask(mona, 'GET /api/search?q=hello');
    const { body: exported } = await ask(mona, `GET /api/chats/${chatId}/export`);
    await ask(mona, 'POST /api/chats/import', exported);
    await ask(mona, `GET /api/chats/${chatId}/export?format=markdown`);
    await ask(mona, 'POST /api/chats', { titel: 'misspelt' });
    await ask(mona, 'GET /api/chats/nowhere');
    const { body } = await ask(mona, 'POST /api/chats', {});
    await ask(mona, `DELETE /api/chats/${body.id}`);
  });

  it('about messages and turns, however the caller waits', async () => {
    const messages = `POST /api/chats/${chatId}/messages`;
    const { body } = await ask(mona, messages, { content: 'hello' });
    await ask(mona, `POST /api/chats/${chatId}/regenerate`, {});
    await ask(mona, `POST /api/chats/${chatId}/fork`, {});
    await ask(mona, messages, { content: 'hello' }, { accept: 'text/event-stream' });
    await ask(mona, messages, { content: '[[tokens:2000]] [[delay:20]]' }, { prefer: 'respond-async' });
    const { body: busy } = await ask(mona, messages, { content: 'again' });
    await ask(mona, `POST /api/turns/${busy.turnId}/cancel`);
    await ask(mona, `GET /api/turns/${busy.turnId}/events`);
    await ask(mona, `GET /api/turns/${body.turn.id}`);
    await ask(mona, `GET /api/turns/${body.turn.id}/events`, undefined, { 'last-event-id': '100000' });
    await ask(mona, `GET /api/chats/${chatId}/messages`);
    await ask(mona, 'POST /api/chat', { sessionId: 'mine', message: 'hello' });
    await ask(mona, messages, { content: '[[fault:402]]' });
    await ask(mona, messages, { content: 'hello', model: 'no-such-model' });
    const { body: history } = await ask(mona, `GET /api/chats/${chatId}/messages`);
    const first = `/api/chats/${chatId}/messages/${history.items[0].id}`;
    await ask(mona, `POST ${first}/edit`, { content: 'hello once more' });
  });

  it('about what changes, as it changes', async () => {
    const leaving = new AbortController();
    const response = await mona.fetch('/api/events', { signal: leaving.signal });
    const { status, headers } = response;
    contract.hold('GET', '/api/events', { status, headers, body: {}, text: 'retry' });
    leaving.abort();
  });

  it('about models, quota, usage and the account', async () => {
    for (const path of ['models', 'quota', 'usage', 'usage?groupBy=model', 'me', 'me/sessions', 'tokens'])
      await ask(mona, `GET /api/${path}`);
    await ask(mona, 'GET /api/me/export');
    await ask(mona, 'GET /.well-known/jwks.json');
    await ask(mona, 'GET /api/usage?from=yesterday');
  });

  it('to programs, in both shapes of errors', async () => {
    const { token } = (await ask(mona, 'POST /api/tokens', { name: 'all', scopes: SCOPES })).body;
    const reader = await makeToken(mona, ['chats:read']);
    const program = gateway.browser();
    const all = { authorization: `Bearer ${token}` };
    const some = { authorization: `Bearer ${reader.token}` };
    await ask(program, 'GET /v1/models', undefined, all);
    await ask(program, `GET /v1/models/${MODEL}`, undefined, all);
    await ask(program, 'GET /v1/models/nothing', undefined, all);
    await ask(program, 'POST /v1/chat/completions', asked('hello'), all);
    await ask(program, 'POST /v1/chat/completions', { ...asked('hello'), stream: true }, all);
    await ask(program, 'POST /v1/chat/completions', { ...asked('hello'), n: 2 }, all);
    await ask(program, 'POST /v1/chat/completions', { messages: 'none' }, all);
    await ask(program, 'POST /v1/chat/completions', asked('hello'), some);
    await ask(program, 'POST /v1/chat/completions', asked('hello'));
    await ask(program, 'POST /api/chats', {}, some);
    await ask(program, 'GET /api/tokens', undefined, all);
    await ask(program, 'POST /api/chats', {}, { ...all, 'content-type': 'text/plain' });
    await ask(mona, 'GET /api/me', undefined, all);
    await ask(mona, `DELETE /api/tokens/${reader.id}`);
  });

  it('about signing in and out, and being forgotten', async () => {
    const nobody = gateway.browser();
    await ask(nobody, 'GET /auth/github');
    await ask(nobody, 'GET /auth/github/callback?state=forged&code=1');
    await ask(nobody, 'GET /auth/github/callback?state=forged&code=1', undefined, { accept: 'text/html' });
    const start = await nobody.fetch('/auth/github');
    await ask(
      nobody,
      `GET ${await gateway.standIn.authorize(start.headers.get('location') ?? '', 'mona')}`.replace(gateway.url, ''),
    );
    await ask(nobody, 'POST /auth/logout', undefined, { 'sec-fetch-site': 'cross-site' });
    await ask(nobody, 'POST /auth/logout');
    await ask(nobody, 'GET /api/me');
    const other = await gateway.signIn('mona');
    const { items } = (await ask(other, 'GET /api/me/sessions')).body;
    const id = items.find(({ current }: { current: boolean }) => current).id;
    await ask(mona, `DELETE /api/me/sessions/${id}`);
    await ask(mona, 'DELETE /api/me/sessions');
    await ask(await gateway.signIn('hubot'), 'DELETE /api/me');
  });

  it('and of every operation one good answer was held to it', () => {
    const good = new Set([...contract.seen].filter((it) => / [23]/.test(it)).map((it) => it.split(' ')[0]));
    assert.deepEqual(
      contract.operations.filter(({ operationId }) => !good.has(operationId)).map(({ operationId }) => operationId),
      [],
      'ask these too, in one of the stories above',
    );
  });
});
