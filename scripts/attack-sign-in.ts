/** Attacks on sign-in and sessions. */
import { type Attack, attacks, Browser, raw, type Target, tally } from './attack-target.ts';

const OPEN_REDIRECTS = [
  '//evil.example',
  '/\\evil.example',
  'https:evil.example',
  '/%09/evil.example',
  'javascript:alert(1)',
  'https://evil.example/',
  '/\n/evil.example',
];

/** The callback URL of a flow that `browser` began. */
async function callbackFor(target: Target, browser: Browser, login: string): Promise<string> {
  const start = await browser.fetch('/auth/github');
  return target.standIn.authorize(start.headers.get('location') ?? '', login);
}

async function openCallback(browser: Browser, callback: string): Promise<string> {
  const { pathname, search } = new URL(callback);
  const answer = await browser.fetch(`${pathname}${search}`);
  await answer.text();
  const me = await browser.get('/api/me');
  return `${answer.status === 302 ? 'let in' : 'refused'}, ${me.status === 200 ? 'signed in' : 'not signed in'}`;
}

const REFUSED = 'refused, not signed in';

export const SIGN_IN: readonly Attack[] = attacks('sign-in', [
  [
    'returnTo leads to another site (7 spellings)',
    'stays here',
    async (target) => {
      const ends: string[] = [];
      for (const returnTo of OPEN_REDIRECTS) {
        const end = await new Browser(target.url).signIn(target.standIn, 'octavia', returnTo);
        const { origin } = new URL(end, target.url);
        ends.push(origin === new URL(target.url).origin ? 'stays here' : `leads to ${origin}`);
      }
      return tally(ends);
    },
  ],
  [
    'the attacker’s code and state in the victim’s browser',
    REFUSED,
    async (target) =>
      openCallback(new Browser(target.url), await callbackFor(target, new Browser(target.url), 'hubot')),
  ],
  [
    'the same, while the victim signs in too',
    REFUSED,
    async (target) => {
      const victim = new Browser(target.url);
      await victim.fetch('/auth/github');
      return openCallback(victim, await callbackFor(target, new Browser(target.url), 'hubot'));
    },
  ],
  [
    'a callback replayed',
    'refused',
    async (target) => {
      const browser = new Browser(target.url);
      const callback = await callbackFor(target, browser, 'octavia');
      await openCallback(browser, callback);
      return (await openCallback(browser, callback)).split(',', 1)[0] ?? '';
    },
  ],
  [
    'the state doubled',
    REFUSED,
    async (target) => {
      const browser = new Browser(target.url);
      const callback = await callbackFor(target, browser, 'octavia');
      return openCallback(browser, `${callback}&state=${new URL(callback).searchParams.get('state')}`);
    },
  ],
  [
    'the state dropped',
    REFUSED,
    async (target) => {
      const browser = new Browser(target.url);
      const callback = new URL(await callbackFor(target, browser, 'octavia'));
      callback.searchParams.delete('state');
      return openCallback(browser, callback.href);
    },
  ],
  [
    'planted state and verifier cookies, no flow begun',
    REFUSED,
    async (target) => {
      const browser = new Browser(target.url);
      browser.cookies.set('oauth2-redirect-state', 'planted');
      browser.cookies.set('oauth2-code-verifier', 'planted');
      return openCallback(browser, `${target.url}/auth/github/callback?code=x&state=planted`);
    },
  ],
  [
    'GitHub says error=access_denied',
    REFUSED,
    async (target) => {
      const browser = new Browser(target.url);
      const callback = new URL(await callbackFor(target, browser, 'octavia'));
      callback.searchParams.delete('code');
      callback.searchParams.set('error', 'access_denied');
      return openCallback(browser, callback.href);
    },
  ],
  [
    'X-Forwarded-Host: evil',
    'callback stays ours',
    async (target) => {
      const { headers } = await raw(target, {
        path: '/auth/github',
        headers: { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https', forwarded: 'host=evil.example' },
      });
      const callback = new URL(String(headers.location)).searchParams.get('redirect_uri') ?? '';
      return new URL(callback).origin === new URL(target.url).origin ? 'callback stays ours' : callback;
    },
  ],
  [
    'a session id set before sign-in, used after it',
    'a new id, the old one 401',
    async (target) => {
      const victim = new Browser(target.url);
      await victim.fetch('/auth/github');
      const planted = new Browser(target.url);
      for (const [name, value] of victim.cookies) planted.cookies.set(name, value);
      await victim.signIn(target.standIn, 'octavia');
      const fresh = victim.cookieHeader !== planted.cookieHeader ? 'a new id' : 'the same id';
      return `${fresh}, the old one ${(await planted.get('/api/me')).status}`;
    },
  ],
  [
    'the cookie of a session that was signed out',
    '401',
    async (target) => {
      const victim = await target.signIn('octavia');
      const stolen = new Browser(target.url);
      for (const [name, value] of victim.cookies) stolen.cookies.set(name, value);
      await victim.post('/auth/logout');
      return String((await stolen.get('/api/me')).status);
    },
  ],
  [
    'a session cookie with a forged signature',
    '401',
    async (target) => {
      const forged = new Browser(target.url);
      for (const [name, value] of target.mona.cookies) forged.cookies.set(name, `${value.slice(0, -4)}AAAA`);
      return String((await forged.get('/api/me')).status);
    },
  ],
]);
