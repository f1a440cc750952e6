/** P5, P6: reading history, beside a bare route that sends the same bytes, and with a million messages stored. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import type { Browser } from '../test/support/http-browser.ts';
import { startPostgres } from '../test/support/postgres.ts';
import type { BenchGateway, Extent, Figure, Ground } from './bench-ground.ts';
import { paired } from './bench-ground.ts';
import { load } from './bench-http.ts';

const CONNECTIONS = 16;
const PAGE = 50;
const CONTENT =
  'It is a truth universally acknowledged, that a reader in want of history must wait for a page. '.repeat(3);
const KEY = Buffer.alloc(32, 5).toString('base64url');
const perSecond = (value: number) => `${value.toFixed(0)}/s`;

/** Sends the bytes it is given on stdin, and nothing else. */
const BARE = `
import Fastify from 'fastify';
let body = '';
for await (const chunk of process.stdin.setEncoding('utf8')) body += chunk;
const app = Fastify();
app.get('/page', (request, reply) => reply.type('application/json; charset=utf-8').send(body));
console.log(await app.listen({ host: '127.0.0.1', port: 0 }));
`;

export async function history(ground: Ground, { rounds, quick }: Extent): Promise<Figure[]> {
  const span = quick ? 1_000 : 2_500;
  const sqlite = await ground.gateway();
  const mona = await sqlite.signIn('mona');
  const chats = await fill(sqlite, 1_000);
  const postgres = await startPostgres({ durable: true });
  ground.defer(() => postgres.close());
  const clustered = await ground.gateway({
    ...{ DATABASE_URL: await postgres.createDatabase(), SESSION_SECRETS: KEY, CREDENTIAL_KEYS: KEY },
  });
  const hubot = await clustered.signIn('hubot');
  const { body: chat } = await hubot.post('/api/chats', {});
  for (let turn = 0; turn < PAGE / 2; turn += 1)
    await hubot.post(`/api/chats/${chat.id}/messages`, { content: `[[say:${CONTENT}]]` });
  const figures = [
    await beside(ground, { name: 'SQLite', gateway: sqlite, browser: mona, chats, goal: 0.4 }, rounds, span),
    await beside(
      ground,
      { name: 'PostgreSQL', gateway: clustered, browser: hubot, chats: [chat.id], goal: 0.2 },
      rounds,
      span,
    ),
  ];
  return [...figures, ...(await grown(ground, { small: sqlite, browser: mona, chats }, rounds, quick))];
}

interface Reading {
  readonly name: string;
  readonly gateway: BenchGateway;
  readonly browser: Browser;
  readonly chats: readonly string[];
  readonly goal: number;
}

async function beside(ground: Ground, reading: Reading, rounds: number, span: number): Promise<Figure> {
  const { name, gateway, browser, chats, goal } = reading;
  const page = await browser.get(pathOf(chats[0] ?? ''));
  const items = page.body.items.length;
  if (items !== PAGE) throw new Error(`the page has ${items} messages`);
  const bare = await bareServer(ground, page.text);
  const { ours, other, ratio } = await paired(
    rounds,
    () => read(gateway, browser, chats, span),
    () => load(bare, ['/page'], {}, { connections: CONNECTIONS, ms: span }),
  );
  return {
    ...{ id: 'P5', what: `history page of ${PAGE}, ${name}`, ours: perSecond(ours) },
    ...{ other: `${perSecond(other)} (bare Fastify, same ${page.text.length} bytes)`, result: `${ratio.toFixed(2)} ×` },
    ...{ goal: `≥ ${goal} ×`, ok: ratio >= goal },
  };
}

async function grown(
  ground: Ground,
  of: { small: BenchGateway; browser: Browser; chats: readonly string[] },
  rounds: number,
  quick: boolean,
): Promise<Figure[]> {
  const messages = quick ? 100_000 : 1_000_000;
  const large = await ground.gateway();
  const owner = await large.signIn('mona');
  const chats = await fill(large, messages);
  // As many different chats as the small one has, spread over all of them.
  const step = Math.floor(chats.length / of.chats.length);
  const spread = of.chats.map((_, index) => chats[index * step] ?? '');
  const span = quick ? 1_000 : 2_500;
  const { ours, other, ratio } = await paired(
    rounds,
    () => read(large, owner, spread, span),
    () => read(of.small, of.browser, of.chats, span),
  );
  return [
    {
      ...{ id: 'P6', what: `the same at ${messages.toLocaleString('en')} messages, SQLite`, ours: perSecond(ours) },
      ...{
        other: `${perSecond(other)} (at 1,000)`,
        result: `${ratio.toFixed(2)} ×`,
        goal: '≥ 0.9 ×',
        ok: ratio >= 0.9,
      },
    },
  ];
}

function read(gateway: BenchGateway, browser: Browser, chats: readonly string[], span: number): Promise<number> {
  const headers = { cookie: browser.cookieHeader, accept: 'application/json' };
  return load(gateway.url, chats.map(pathOf), headers, { connections: CONNECTIONS, ms: span });
}

function pathOf(chatId: string): string {
  return `/api/chats/${chatId}/messages?limit=${PAGE}`;
}

/** Writes chats of 50 messages straight into the database of a running gateway. @returns their ids */
async function fill(gateway: BenchGateway, messages: number): Promise<string[]> {
  const db = new DatabaseSync(join(gateway.dataDir, 'gateway.db'), { timeout: 60_000 });
  const chats = Array.from({ length: messages / PAGE }, (_, index) => `bench-${String(index).padStart(8, '0')}`);
  const now = Date.now();
  db.exec('begin immediate');
  const chat = db.prepare(
    `insert into chats (id, user_id, title_source, created_at, updated_at, next_seq) values (?, '1001', 'none', ${now}, ${now}, ${PAGE + 1})`,
  );
  const message = db.prepare(
    `insert into messages (chat_id, seq, id, turn_id, role, content, status, created_at) values (?, ?, ?, ?, ?, ?, 'complete', ${now})`,
  );
  for (const id of chats) {
    chat.run(id);
    for (let seq = 1; seq <= PAGE; seq += 1)
      message.run(id, seq, `${id}-${seq}`, `${id}-${seq >> 1}`, seq % 2 === 1 ? 'user' : 'assistant', CONTENT);
  }
  db.exec('commit');
  db.close();
  return chats;
}

async function bareServer(ground: Ground, body: string): Promise<string> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', BARE], { stdio: ['pipe', 'pipe', 'inherit'] });
  ground.defer(() => void child.kill('SIGKILL'));
  child.stdin.end(body);
  const [address] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return address;
}
