/** Attacks by what is sent, and by what a model says. */
import { all } from '../test/support/http-browser.ts';
import { type Attack, attacks, bytes, chatOf, raw, type Target, tally } from './attack-target.ts';

const own = (target: Target) => ({ cookie: target.mona.cookieHeader, 'sec-fetch-site': 'same-origin' });

function posted(body: string | Buffer, contentType = 'application/json'): Attack['run'] {
  return async (target) => {
    const headers = { ...own(target), 'content-type': contentType };
    return String((await raw(target, { method: 'POST', path: '/api/chats', headers, body })).status);
  };
}

/** Every path, as it is. */
function got(...paths: readonly string[]): Attack['run'] {
  return async (target) =>
    tally(await Promise.all(paths.map(async (path) => (await raw(target, { path, headers: own(target) })).status)));
}

const nested = (depth: number) => `{"title":${'['.repeat(depth)}${']'.repeat(depth)}}`;
const host = (target: Target) => new URL(target.url).host;

const PARSING: readonly Attack[] = attacks('parsing', [
  ['__proto__ in a body', '400', posted('{"__proto__":{"admin":true}}')],
  ['constructor.prototype in a body', '400', posted('{"constructor":{"prototype":{"admin":true}}}')],
  ['a field nobody knows', '400', posted('{"userId":"1001"}')],
  ['200,000 brackets deep', '400', posted(nested(100_000))],
  ['1 MiB and one byte', '413', posted(`{"title":"${'x'.repeat(1024 * 1024)}"}`)],
  ['bytes that are not UTF-8', '400', posted(Buffer.from([0x7b, 0xff, 0xfe, 0x7d]))],
  ['content-type with a tab', '415', posted('{}', 'application/json\tx')],
  ['content-type of another case', '201', posted('{}', 'APPLICATION/JSON')],
  ['query keys doubled', '400', got('/api/chats?limit=1&limit=2')],
  ['a limit without limit', '400', got('/api/chats?limit=100000', '/api/chats?limit=-1', '/api/chats?limit=1e9')],
  [
    'a cursor of one’s own making',
    '400',
    got('/api/chats?cursor=e30', '/api/chats?cursor=%00', '/api/chats?cursor=W10'),
  ],
  [
    'paths that mean another',
    '404',
    got('/api/chats/..%2fme', '//api/me', '/api/me.', '/API/me', '/api/me/', '/api/chats/%00'),
  ],
  ['files through the page’s paths', 'none', fileLeaks],
  [
    'two lengths (request smuggling)',
    '400',
    (target) =>
      bytes(
        target,
        `POST /api/chats HTTP/1.1\r\nhost: ${host(target)}\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /`,
        5_000,
      ),
  ],
  [
    'a header of 100 KB',
    '431',
    (target) =>
      bytes(target, `GET /healthz HTTP/1.1\r\nhost: ${host(target)}\r\nx-a: ${'a'.repeat(100_000)}\r\n\r\n`, 5_000),
  ],
  [
    'a line break in a search, for the log',
    'one line',
    async (target) => {
      const { status } = await raw(target, { path: '/api/chats?q=%0a%7b%22level%22%3a60%7d', headers: own(target) });
      return status === 200 ? 'one line' : String(status);
    },
  ],
]);

async function fileLeaks(target: Target): Promise<string> {
  const paths = [
    '/../package.json',
    '/..%2f..%2fpackage.json',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/assets/..%5c..%5cpackage.json',
    '/.env',
    '/data/secrets.json',
  ];
  const answers = await Promise.all(paths.map((path) => raw(target, { path, headers: own(target) })));
  return answers.some(({ body }) => /"dependencies"|root:x:|sessionSecrets|GITHUB_CLIENT/.test(body))
    ? 'leaked'
    : 'none';
}

const HOSTILE = ['<img src=x onerror=alert(1)>', '</script><script>alert(1)</script>', '[x](javascript:alert(1))'];

const OUTPUT: readonly Attack[] = attacks('output', [
  [
    'the model forges an event',
    'text, one end',
    async (target) => {
      const { chatId } = await chatOf(target.mona);
      const said = 'a\n\nevent: turn.completed\ndata: {"forged":true}\n\nb';
      const directive = `[[say:${said.replaceAll('\n', '\\n').replaceAll(']', '\\]')}]]`;
      const events = await all(target.mona.say(chatId, directive));
      const text = events
        .filter(({ event }) => event === 'message.delta')
        .map(({ data }) => data.text)
        .join('');
      const ends = events.filter(({ event }) => event.startsWith('turn.') && event !== 'turn.started');
      return text === said && ends.length === 1 ? 'text, one end' : `${ends.length} ends, ${JSON.stringify(text)}`;
    },
  ],
  [
    'the model writes HTML and scripts',
    'JSON, nosniff',
    async (target) => {
      const { chatId } = await chatOf(target.mona, `[[say:${HOSTILE.join(' ').replaceAll(']', '\\]')}]]`);
      const { headers } = await raw(target, { path: `/api/chats/${chatId}/messages`, headers: own(target) });
      const json = /^application\/json/.test(String(headers['content-type']))
        ? 'JSON'
        : String(headers['content-type']);
      return `${json}, ${String(headers['x-content-type-options'])}`;
    },
  ],
  [
    'an export with HTML in it',
    'a download, nosniff',
    async (target) => {
      const { chatId } = await chatOf(target.mona, `[[say:${HOSTILE[0]}]]`);
      const { headers } = await raw(target, {
        path: `/api/chats/${chatId}/export?format=markdown`,
        headers: own(target),
      });
      const download = /^attachment/.test(String(headers['content-disposition'])) ? 'a download' : 'shown';
      return `${download}, ${String(headers['x-content-type-options'])}`;
    },
  ],
  [
    'inline scripts and frames',
    'forbidden by CSP',
    async (target) => {
      const policy = String((await raw(target, { path: '/' })).headers['content-security-policy']);
      const strict =
        /default-src 'none'/.test(policy) && /frame-ancestors 'none'/.test(policy) && !/unsafe/.test(policy);
      return strict ? 'forbidden by CSP' : policy;
    },
  ],
  [
    'HTML in an address, for the error page',
    'JSON',
    async (target) => {
      const { headers } = await raw(target, { path: '/%3Cscript%3Ealert(1)%3C/script%3E', headers: { accept: '*/*' } });
      return /json/.test(String(headers['content-type'])) ? 'JSON' : String(headers['content-type']);
    },
  ],
]);

export const INPUT: readonly Attack[] = [...PARSING, ...OUTPUT];
