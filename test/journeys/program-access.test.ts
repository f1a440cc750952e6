/**
 * Who may do what, for every route the app really has: nobody, a token that may do all but this, a token that may do only
 * this, somebody else, two credentials at once, a credential in the address.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { SCOPES, type Scope } from '../../src/principal.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import type { Browser } from '../support/http-browser.ts';
import { type MadeToken, makeToken } from '../support/programs.ts';
import { type Route, routesOf } from '../support/route-table.ts';

/** Open to everyone, or guarded in a way of their own (operators' routes, by address). */
const OPEN = [
  /^\/$/,
  /^\/c\/:chatId$/,
  /^\/assets\//,
  /^\/auth\//,
  /^\/docs/,
  /^\/(openapi\.json|healthz|readyz|metrics)$/,
  /^\/admin\//,
  /^\/\.well-known\/jwks\.json$/,
];

interface Access {
  /** What an API token needs; `browser`: no token will do. */
  readonly needs: Scope | 'browser';
  readonly body?: object;
}

const MESSAGES = [{ role: 'user', content: '[[say:x]]' }];

/** A route that is not here fails the test: whoever adds one says who may use it. */
const GUARDED: Readonly<Record<string, Access>> = {
  'POST /api/chat': { needs: 'chats:write', body: { message: '[[say:x]]' } },
  'GET /api/chats': { needs: 'chats:read' },
  'POST /api/chats': { needs: 'chats:write', body: {} },
  'GET /api/chats/:chatId': { needs: 'chats:read' },
  'PATCH /api/chats/:chatId': { needs: 'chats:write', body: { pinned: true } },
  'DELETE /api/chats/:chatId': { needs: 'chats:write' },
  'GET /api/chats/:chatId/messages': { needs: 'chats:read' },
  'POST /api/chats/:chatId/messages': { needs: 'chats:write', body: { content: '[[say:x]]' } },
  'POST /api/chats/:chatId/messages/:messageId/edit': { needs: 'chats:write', body: { content: '[[say:x]]' } },
  'POST /api/chats/:chatId/regenerate': { needs: 'chats:write', body: {} },
  'POST /api/chats/:chatId/fork': { needs: 'chats:write', body: {} },
  'POST /api/chats/import': { needs: 'chats:write', body: { chat: {}, messages: [] } },
  'GET /api/chats/:chatId/export': { needs: 'chats:read' },
  'GET /api/search': { needs: 'chats:read' },
  'GET /api/turns/:turnId': { needs: 'chats:read' },
  'POST /api/turns/:turnId/cancel': { needs: 'chats:write' },
  'GET /api/turns/:turnId/events': { needs: 'chats:read' },
  'GET /api/events': { needs: 'chats:read' },
  'GET /api/models': { needs: 'chats:read' },
  'GET /api/quota': { needs: 'account:read' },
  'GET /api/usage': { needs: 'account:read' },
  'GET /api/me': { needs: 'account:read' },
  'DELETE /api/me': { needs: 'browser' },
  'GET /api/me/export': { needs: 'browser' },
  'GET /api/me/sessions': { needs: 'browser' },
  'DELETE /api/me/sessions': { needs: 'browser' },
  'DELETE /api/me/sessions/:id': { needs: 'browser' },
  'POST /api/tokens': { needs: 'browser', body: { name: 'x', scopes: ['chats:read'] } },
  'GET /api/tokens': { needs: 'browser' },
  'DELETE /api/tokens/:id': { needs: 'browser' },
  'GET /v1/models': { needs: 'chats:read' },
  'GET /v1/models/:model': { needs: 'chats:read' },
  'POST /v1/chat/completions': { needs: 'chats:write', body: { messages: MESSAGES } },
};

/** Something of a person, to be reached for. */
interface Belongings {
  readonly chatId: string;
  readonly messageId: string;
  readonly turnId: string;
  readonly tokenId: string;
  readonly sessionId: string;
}

/** Asks for a chat in which something was said that has not been replaced. */
function replaces({ path }: Route): boolean {
  return /\/(edit|regenerate)$/.test(path);
}

/** What a route cannot do without. */
function queryOf({ path }: Route): string {
  return path === '/api/search' ? '?q=x' : '';
}

describe('every route', () => {
  let gateway: TestGateway;
  let routes: Route[];
  let mona: Browser;
  let monas: Belongings;
  /** Of hubot, who reaches for what is mona's. */
  const tokens = new Map<string, MadeToken>();
  let hubot: Browser;

  before(async () => {
    gateway = await startTestGateway({ env: { RATE_LIMIT_PER_MINUTE: '100000', TURNS_PER_USER: '1000' } });
    routes = routesOf(gateway.gateway.app);
    mona = await gateway.signIn('mona');
    hubot = await gateway.signIn('hubot');
    monas = await belongingsOf(mona);
    for (const scope of SCOPES) {
      tokens.set(scope, await makeToken(hubot, [scope]));
      tokens.set(
        `all but ${scope}`,
        await makeToken(
          hubot,
          SCOPES.filter((other) => other !== scope),
        ),
      );
    }
    tokens.set('all but browser', await makeToken(hubot));
  });
  after(() => gateway.close());

  async function belongingsOf(browser: Browser, before?: Belongings): Promise<Belongings> {
    const chat = await browser.post('/api/chats', { title: 'Mine' });
    const say = async () => (await browser.post(`/api/chats/${chat.body.id}/messages`, { content: '[[say:x]]' })).body;
    const turn = before === undefined ? (await say()).turn : { id: before.turnId, userMessageId: before.messageId };
    const token = await makeToken(browser, ['chats:read']);
    const [session] = (await browser.get('/api/me/sessions')).body.items;
    const messageId = turn.userMessageId;
    return { chatId: chat.body.id, messageId, turnId: turn.id, tokenId: token.id, sessionId: session.id };
  }

  function addressOf(path: string, belongings: Belongings): string {
    return path
      .replace(':chatId', belongings.chatId)
      .replace(':messageId', belongings.messageId)
      .replace(':turnId', belongings.turnId)
      .replace(':model', 'gpt-5.4')
      .replace(':id', path.includes('/tokens/') ? belongings.tokenId : belongings.sessionId);
  }

  /** Sends it as a program does; a stream is left as soon as it answers. */
  async function send(
    { method, path }: Route,
    belongings: Belongings,
    headers: Record<string, string> = {},
    query = '',
  ): Promise<{ status: number; code: unknown; headers: Headers }> {
    const body = accessOf({ method, path })?.body;
    const response = await fetch(`${gateway.url}${addressOf(path, belongings)}${query}`, {
      method,
      redirect: 'manual',
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const json = /^application\/(problem\+)?json/.test(response.headers.get('content-type') ?? '');
    const answer = json && method !== 'HEAD' ? ((await response.json()) as Record<string, unknown>) : {};
    if (!json) await response.body?.cancel();
    const error = answer.error as { code?: unknown } | undefined;
    return { status: response.status, code: answer.code ?? error?.code, headers: response.headers };
  }

  const bearer = (name: string) => ({ authorization: `Bearer ${tokens.get(name)?.token}` });
  const cookie = (browser: Browser) => ({ cookie: browser.cookieHeader, 'sec-fetch-site': 'same-origin' });
  const accessOf = ({ method, path }: Route) => GUARDED[`${method === 'HEAD' ? 'GET' : method} ${path}`];
  const guarded = () =>
    routes.flatMap((route) => {
      const access = accessOf(route);
      return access === undefined ? [] : [{ ...route, ...access, name: `${route.method} ${route.path}` }];
    });

  it('is either open on purpose or says who may use it', () => {
    const known = (route: Route) => accessOf(route) !== undefined || OPEN.some((pattern) => pattern.test(route.path));
    assert.deepEqual(
      routes.filter((route) => !known(route)),
      [],
    );
    const there = new Set(routes.map(({ method, path }) => `${method} ${path}`));
    assert.deepEqual(
      Object.keys(GUARDED).filter((name) => !there.has(name)),
      [],
    );
  });

  it('that is guarded refuses nobody, nonsense, and a token in the address', async () => {
    const { token = '' } = tokens.get('all but browser') ?? {};
    for (const route of guarded()) {
      const nobody = await send(route, monas);
      assert.equal(nobody.status, 401, route.name);
      assert.match(nobody.headers.get('www-authenticate') ?? '', /^Bearer/, route.name);
      for (const nonsense of ['Bearer x', 'Bearer', `Bearer ${token}x`, `Token ${token}`, token]) {
        const refused = await send(route, monas, { authorization: nonsense });
        assert.equal(refused.status, 401, `${route.name} with ${nonsense.slice(0, 12)}`);
      }
      const query = `?access_token=${token}&token=${token}&api_key=${token}`;
      assert.equal((await send(route, monas, {}, query)).status, 401, route.name);
    }
  });

  it('that is guarded refuses a token that may do all but this', async () => {
    for (const route of guarded()) {
      const refused = await send(route, monas, bearer(`all but ${route.needs}`));
      assert.equal(refused.status, 403, route.name);
      if (route.method === 'HEAD') continue;
      assert.equal(refused.code, route.needs === 'browser' ? 'forbidden' : 'insufficient_scope', route.name);
    }
  });

  it('that is guarded refuses two credentials at once', async () => {
    for (const route of guarded()) {
      const refused = await send(route, monas, { ...bearer('all but browser'), ...cookie(hubot) });
      assert.equal(refused.status, 400, route.name);
      if (route.method !== 'HEAD') assert.equal(refused.code, 'ambiguous_credentials', route.name);
    }
  });

  it("answers 404 to somebody else, as if it had never been, and leaves what is another's alone", async () => {
    const named = guarded().filter(({ path }) => /:(chatId|turnId|id)/.test(path));
    assert.ok(named.length >= 12);
    for (const route of named) {
      const headers = route.needs === 'browser' ? cookie(hubot) : bearer(route.needs);
      const { status } = await send(route, monas, headers);
      assert.equal(status, 404, route.name);
    }
    const chat = await mona.get(`/api/chats/${monas.chatId}`);
    assert.deepEqual([chat.status, chat.body.pinned], [200, false]);
    assert.equal((await mona.get(`/api/chats/${monas.chatId}/messages`)).body.items.length, 2);
    assert.equal((await mona.get('/api/tokens')).body.items.length, 1);
    assert.equal((await mona.get('/api/me')).status, 200);
  });

  it('lets in who may: a token with the one scope, or a browser', async () => {
    let own = await belongingsOf(hubot);
    for (const route of guarded().filter(({ needs }) => needs !== 'browser')) {
      if (replaces(route)) own = await belongingsOf(hubot);
      const { status } = await send(route, own, bearer(route.needs), queryOf(route));
      assert.ok(status < 400, `${route.name} with a token: ${status}`);
      if (route.name === 'DELETE /api/chats/:chatId') own = await belongingsOf(hubot);
    }
    const last = 'DELETE /api/me';
    let theirs: Belongings | undefined;
    for (const route of guarded().toSorted((a, b) => Number(a.name === last) - Number(b.name === last))) {
      // Some end the very session they come with, or delete what the next one needs.
      const person = await gateway.signIn('octavia');
      theirs = await belongingsOf(person, replaces(route) ? undefined : theirs);
      const { status } = await send(route, theirs, cookie(person), queryOf(route));
      assert.ok(status < 400, `${route.name} in a browser: ${status}`);
    }
  });
});
