/** Attacks on the runtime through prompts and attachments, and on everybody by taking too much. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { startTestGateway } from '../test/support/gateway.ts';
import { type Attack, apiToken, attacks, bytes, chatOf, raw, type Target, tally } from './attack-target.ts';

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

async function attachment(target: Target, given: object): Promise<string> {
  const { chatId } = await chatOf(target.hubot);
  const { status } = await target.hubot.post(`/api/chats/${chatId}/messages`, { content: 'see', attachments: [given] });
  return String(status);
}

const RUNTIME: readonly Attack[] = attacks('runtime', [
  ['the model calls a shell', 'nothing runs', (target) => toolCall(target, 'bash {"command":"id"}', /uid=\d/)],
  ['the model reads a file', 'nothing runs', (target) => toolCall(target, 'view {"path":"/etc/passwd"}', /root:x:/)],
  [
    'the model fetches an address',
    'nothing runs',
    (target) => toolCall(target, 'web_fetch {"url":"http://127.0.0.1/"}', /<html/i),
  ],
  [
    'what the model is offered',
    'no tools',
    async (target) => {
      await chatOf(target.hubot, 'canary of tools');
      const asked = target.standIn.modelRequests.findLast((request) =>
        JSON.stringify(request.raw).includes('canary of tools'),
      );
      const { tools } = (asked?.raw ?? {}) as { tools?: unknown[] };
      return asked !== undefined && (tools?.length ?? 0) === 0 ? 'no tools' : `${tools?.length ?? 'no request'}`;
    },
  ],
  ['a file of the host as attachment', '400', (target) => attachment(target, { type: 'file', path: '/etc/passwd' })],
  ['a directory of the host as attachment', '400', (target) => attachment(target, { type: 'directory', path: '/' })],
  [
    'an image that is none',
    '400',
    (target) => attachment(target, { type: 'image', mimeType: 'image/png', data: 'AAAA' }),
  ],
  [
    'an image with a path beside its data',
    '400',
    (target) => attachment(target, { type: 'image', mimeType: 'image/png', data: PNG, path: '/etc/passwd' }),
  ],
  ['a fake runtime on the port of a real one', 'learns nothing', fakeRuntime, 'slow'],
]);

async function toolCall(target: Target, tool: string, proof: RegExp): Promise<string> {
  const { chatId } = await chatOf(target.hubot);
  await target.hubot.post(`/api/chats/${chatId}/messages`, { content: `please [[tool:${tool}]]` });
  const { text } = await target.hubot.get(`/api/chats/${chatId}/messages`);
  const told = JSON.stringify(target.standIn.modelRequests.slice(-4).map(({ raw: body }) => body));
  return proof.test(text) || proof.test(told) ? 'it ran' : 'nothing runs';
}

/** D5: the SDK greets a server that knows no handshake and sends it the user's token. */
async function fakeRuntime(): Promise<string> {
  const heard: Buffer[] = [];
  const sockets = new Set<Socket>();
  const fake = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      heard.push(chunk);
      for (const [, id] of chunk.toString('utf8').matchAll(/"id":(\d+)/g)) {
        const body = JSON.stringify({
          jsonrpc: '2.0',
          id: Number(id),
          error: { code: -32601, message: 'Method not found' },
        });
        socket.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
      }
    });
  }).listen(0, '127.0.0.1');
  await once(fake, 'listening');
  const { port } = fake.address() as { port: number };
  const gateway = await startTestGateway({
    env: { CLI_URL: `127.0.0.1:${port}`, COPILOT_CONNECTION_TOKEN: 'the-connection-token' },
  });
  try {
    const mona = await gateway.signIn('mona');
    const { body: chat } = await mona.post('/api/chats', {});
    await mona.post(`/api/chats/${chat.id}/messages`, { content: 'the secret message' });
    const all = Buffer.concat(heard).toString('utf8');
    const learnt = ['gho_', 'the-connection-token', 'secret message'].filter((word) => all.includes(word));
    return heard.length > 0 && learnt.length === 0
      ? 'learns nothing'
      : `learns ${learnt.join(', ') || 'not even a greeting'}`;
  } finally {
    await gateway.close();
    for (const socket of sockets) socket.destroy();
    fake.close();
  }
}

const EXHAUSTION: readonly Attack[] = attacks('exhaustion', [
  [
    '1,000 messages at once from one person',
    '429 with Retry-After, no 5xx, others served',
    async (target) => {
      const { chatId } = await chatOf(target.hubot);
      const { token } = await apiToken(target.hubot, ['chats:read', 'chats:write']);
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      const body = JSON.stringify({ content: 'hello', delivery: 'queue' });
      const path = `/api/chats/${chatId}/messages`;
      const flood = Promise.all(
        Array.from({ length: 1_000 }, () =>
          raw(target, { method: 'POST', path, headers: { ...headers, prefer: 'respond-async' }, body }),
        ),
      );
      const other = await target.mona.get('/api/chats');
      const answers = await flood;
      const limited = answers.filter(({ status }) => status === 429);
      const patient = limited.length > 0 && limited.every((answer) => answer.headers['retry-after'] !== undefined);
      const broken = answers.filter(({ status }) => status >= 500).length;
      const served = other.status === 200 ? 'others served' : `others ${other.status}`;
      const seen = patient ? '429 with Retry-After' : tally(answers.map(({ status }) => status));
      return `${seen}, ${broken === 0 ? 'no' : broken} 5xx, ${served}`;
    },
    'slow',
  ],
  [
    'headers without end',
    'closed in 65 s',
    async (target) => {
      const word = await bytes(target, `GET / HTTP/1.1\r\nhost: ${new URL(target.url).host}\r\nx-slow: `, 65_000);
      return word === 'open' ? 'open after 65 s' : 'closed in 65 s';
    },
    'slow',
  ],
  // Last: from here on this address is refused for a minute.
  [
    'guessing API tokens without end',
    '429 in time',
    async (target) => {
      const headers = { authorization: 'Bearer guess' };
      for (let guess = 0; guess < 2_000; guess += 50) {
        const answers = await Promise.all(Array.from({ length: 50 }, () => raw(target, { path: '/api/me', headers })));
        if (answers.some(({ status }) => status === 429)) return '429 in time';
      }
      return 'never refused';
    },
    'slow',
  ],
]);

export const ENDURANCE: readonly Attack[] = [...RUNTIME, ...EXHAUSTION];
