/** Attacks on what belongs to somebody else, with credentials that do not reach, and from other sites. */
import { type Attack, apiToken, attacks, Browser, chatOf, raw, type Target, tally } from './attack-target.ts';

const JSON_TYPE = { 'content-type': 'application/json' };

/** Every route that names something of a person, with that person's ids. */
async function routesOf(target: Target): Promise<[method: string, path: string, body?: object][]> {
  const { chatId, turnId } = await chatOf(target.mona);
  const { body: sessions } = await target.mona.get('/api/me/sessions');
  const { id: tokenId } = await apiToken(target.mona, ['chats:read']);
  const session = (sessions.items ?? sessions)[0];
  return [
    ['GET', `/api/chats/${chatId}`],
    ['PATCH', `/api/chats/${chatId}`, { title: 'mine' }],
    ['GET', `/api/chats/${chatId}/messages`],
    ['POST', `/api/chats/${chatId}/messages`, { content: 'hello' }],
    ['GET', `/api/chats/${chatId}/export?format=json`],
    ['GET', `/api/chats/${chatId}/export?format=markdown`],
    ['GET', `/api/turns/${turnId}`],
    ['GET', `/api/turns/${turnId}/events`],
    ['POST', `/api/turns/${turnId}/cancel`],
    ['DELETE', `/api/me/sessions/${session.id}`],
    ['DELETE', `/api/tokens/${tokenId}`],
    ['DELETE', `/api/chats/${chatId}`],
  ];
}

async function statuses(browser: Browser, routes: Awaited<ReturnType<typeof routesOf>>): Promise<string> {
  const found: number[] = [];
  for (const [method, path, body] of routes) found.push((await browser.call(method, path, body)).status);
  return tally(found);
}

/** A request with a bearer token and nothing else. */
async function withToken(
  target: Target,
  token: string,
  { method = 'GET', path = '/api/chats', body = '' } = {},
): Promise<string> {
  const headers = { authorization: `Bearer ${token}`, ...(body === '' ? {} : JSON_TYPE) };
  return String((await raw(target, { method, path, headers, ...(body === '' ? {} : { body }) })).status);
}

function unsigned(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none', typ: 'JWT' })}.${part(claims)}.`;
}

const ACCESS: readonly Attack[] = attacks('access', [
  [
    'every route with another person’s ids (12)',
    '404',
    async (target) => statuses(target.hubot, await routesOf(target)),
  ],
  ['the same, signed out', '401', async (target) => statuses(new Browser(target.url), await routesOf(target))],
  [
    'another person’s chat through the guide’s sessionId',
    'a chat of one’s own',
    async (target) => {
      await target.mona.post('/api/chat', { sessionId: 'shared-name', message: '[[say:the secret of mona]]' });
      const { status, text } = await target.hubot.post('/api/chat', { sessionId: 'shared-name', message: 'hello' });
      return status === 200 && !text.includes('secret of mona') ? 'a chat of one’s own' : `${status}: leaked`;
    },
  ],
  [
    'cookie and API token at once',
    '400',
    async (target) => {
      const { token } = await apiToken(target.mona, ['chats:read']);
      const headers = { authorization: `Bearer ${token}`, cookie: target.mona.cookieHeader };
      return String((await raw(target, { path: '/api/chats', headers })).status);
    },
  ],
  [
    'an API token by query string',
    '401',
    async (target) => {
      const { token } = await apiToken(target.mona, ['chats:read']);
      return String((await raw(target, { path: `/api/chats?access_token=${token}` })).status);
    },
  ],
  [
    'writing with a token that may only read',
    '403',
    async (target) => {
      const { token } = await apiToken(target.mona, ['chats:read']);
      return withToken(target, token, { method: 'POST', body: '{}' });
    },
  ],
  [
    'making API tokens with an API token',
    '403',
    async (target) => {
      const { token } = await apiToken(target.mona, ['chats:read', 'chats:write', 'account:read']);
      return withToken(target, token, {
        method: 'POST',
        path: '/api/tokens',
        body: '{"name":"x","expiresInDays":1,"scopes":[]}',
      });
    },
  ],
  [
    'a deleted API token',
    '401',
    async (target) => {
      const { id, token } = await apiToken(target.mona, ['chats:read']);
      await target.mona.delete(`/api/tokens/${id}`);
      return withToken(target, token);
    },
  ],
  [
    'a token signed by nobody (alg none)',
    '401',
    (target) => withToken(target, unsigned({ sub: '1001', exp: 9_999_999_999 })),
  ],
  [
    'a token with its claims changed',
    '401',
    async (target) => {
      const { token } = await apiToken(target.hubot, ['chats:read']);
      const [head, body = '', signature] = token.split('.');
      const claims = { ...JSON.parse(Buffer.from(body, 'base64url').toString('utf8')), sub: '1001' };
      return withToken(target, `${head}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`);
    },
  ],
  [
    'operators’ routes through a proxy',
    '404',
    async (target) => {
      const headers = { 'x-forwarded-for': '127.0.0.1' };
      const paths = ['/metrics', '/admin/users', '/admin/audit'];
      return tally(await Promise.all(paths.map(async (path) => (await raw(target, { path, headers })).status)));
    },
  ],
  [
    'the admin API with a person’s session',
    '401',
    async (target) => String((await target.mona.get('/admin/users')).status),
  ],
]);

/** When a right ends: while the turn runs, or in the moment between the check of the right and the stream. */
type Moment = 'running' | 'starting';

interface Ending {
  readonly target: Target;
  readonly browser: Browser;
  /** What proves the right that ends. */
  readonly headers: Record<string, string>;
  readonly moment: Moment;
  readonly revoke: () => Promise<unknown>;
}

/** How a streamed turn ends when the right to it ends. */
async function endOfStream({ target, browser, headers, moment, revoke }: Ending): Promise<string> {
  const { body: chat } = await browser.post('/api/chats', {});
  const sent = raw(target, {
    ...{ method: 'POST', path: `/api/chats/${chat.id}/messages` },
    body: JSON.stringify({ content: `${chat.id} [[tokens:400]] [[pace:50]]` }),
    headers: { ...headers, ...JSON_TYPE, 'sec-fetch-site': 'same-origin', accept: 'text/event-stream' },
  });
  const asked = () => target.standIn.modelRequests.some((request) => JSON.stringify(request.raw).includes(chat.id));
  do await raw(target, { path: '/healthz' });
  while (moment === 'running' && !asked());
  const begun = performance.now();
  await revoke();
  await sent.catch(() => null);
  const ms = performance.now() - begun;
  return ms <= 5_000 ? 'ends within 5 s' : `ends after ${Math.round(ms)} ms`;
}

/** The stream of a program whose API token is deleted. `login` has not chatted yet: the first turn takes its time to start. */
async function endOfToken(target: Target, login: string, moment: Moment): Promise<string> {
  const browser = await target.signIn(login);
  const { id, token } = await apiToken(browser, ['chats:read', 'chats:write']);
  const headers = { authorization: `Bearer ${token}` };
  return endOfStream({ target, browser, headers, moment, revoke: () => browser.delete(`/api/tokens/${id}`) });
}

const REVOKED: readonly Attack[] = attacks('revocation', [
  [
    'an open stream after signing out everywhere',
    'ends within 5 s',
    async (target) => {
      const [browser, other] = [await target.signIn('octavia'), await target.signIn('octavia')];
      const headers = { cookie: browser.cookieHeader };
      const revoke = () => other.delete('/api/me/sessions');
      return endOfStream({ target, browser, headers, moment: 'running', revoke });
    },
  ],
  ['an open stream of a deleted API token', 'ends within 5 s', (target) => endOfToken(target, 'lovelace', 'running')],
  [
    'a stream asked for in the moment its API token is deleted',
    'ends within 5 s',
    (target) => endOfToken(target, 'samuel', 'starting'),
    'slow',
  ],
]);

function crossSite(headers: Record<string, string>, body = '{}'): Attack['run'] {
  return async (target) => {
    const all = { cookie: target.mona.cookieHeader, ...headers };
    return String((await raw(target, { method: 'POST', path: '/api/chats', headers: all, body })).status);
  };
}

const FOREIGN: readonly Attack[] = attacks('cross-site', [
  ['a post from another site', '403', crossSite({ ...JSON_TYPE, 'sec-fetch-site': 'cross-site' })],
  ['a post from a sibling subdomain', '403', crossSite({ ...JSON_TYPE, 'sec-fetch-site': 'same-site' })],
  ['a post with a foreign Origin, old browser', '403', crossSite({ ...JSON_TYPE, origin: 'https://evil.example' })],
  ['a post with Origin: null', '403', crossSite({ ...JSON_TYPE, origin: 'null' })],
  ['a post with a foreign Referer only', '403', crossSite({ ...JSON_TYPE, referer: 'https://evil.example/page' })],
  [
    'a form',
    '415',
    crossSite({ 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' }, 'a=b'),
  ],
  ['plain text that is JSON', '415', crossSite({ 'content-type': 'text/plain', 'sec-fetch-site': 'same-origin' })],
  [
    'reading answers from another origin (CORS)',
    'not allowed',
    async (target) => {
      const { headers } = await raw(target, {
        ...{ method: 'OPTIONS', path: '/api/chats' },
        headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
      });
      return headers['access-control-allow-origin'] === undefined ? 'not allowed' : 'allowed';
    },
  ],
]);

export const OTHERS: readonly Attack[] = [...ACCESS, ...REVOKED, ...FOREIGN];
