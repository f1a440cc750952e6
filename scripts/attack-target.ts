/** What is attacked, and the tools for it: browsers that keep cookies, and requests no browser would send. */
import { request } from 'node:http';
import { connect } from 'node:net';
import type { StandIn } from '../src/demo/stand-in.ts';
import { Browser } from '../test/support/http-browser.ts';

/** A gateway under attack, and two people with accounts there. */
export interface Target {
  readonly url: string;
  /** GitHub and Copilot as far as the gateway knows. */
  readonly standIn: StandIn;
  /** The victim. */
  readonly mona: Browser;
  /** The attacker, with an account of their own. */
  readonly hubot: Browser;
  signIn(login: string): Promise<Browser>;
}

/** One attack. `expected` and what `run` returns are short words that a table can show. */
export interface Attack {
  readonly group: string;
  readonly attack: string;
  readonly expected: string;
  readonly run: (target: Target) => Promise<string>;
  /** Takes more than a few seconds: left out of the short form. */
  readonly slow?: boolean;
}

/** The attacks of one group. */
export function attacks(
  group: string,
  rows: readonly (readonly [attack: string, expected: string, run: Attack['run'], slow?: 'slow'])[],
): Attack[] {
  return rows.map(([attack, expected, run, slow]) => ({ group, attack, expected, run, slow: slow === 'slow' }));
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

export interface RawRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
}

/** A request exactly as given: nothing is normalised, no header is added but the host and the length. */
export function raw(
  { url }: Pick<Target, 'url'>,
  { method = 'GET', path, headers = {}, body }: RawRequest,
): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path, headers, timeout: 20_000 }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text });
      });
    });
    sent.on('timeout', () => sent.destroy(new Error('no answer in 20 s')));
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Bytes as they are. @returns the first line of the answer, or `closed`, or `open` when nothing came within `ms` */
export function bytes({ url }: Pick<Target, 'url'>, text: string, ms: number): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port) });
    const end = (word: string) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(word);
    };
    const timer = setTimeout(() => end('open'), ms);
    socket.on('connect', () => socket.write(text));
    socket.on('data', (chunk: Buffer) => end(chunk.toString('latin1').split('\r\n', 1)[0]?.split(' ')[1] ?? ''));
    socket.on('close', () => end('closed'));
    socket.on('error', () => end('closed'));
  });
}

/** A chat of `browser` with one ended turn. */
export async function chatOf(browser: Browser, content = 'hello'): Promise<{ chatId: string; turnId: string }> {
  const { body: chat } = await browser.post('/api/chats', {});
  const { body } = await browser.post(`/api/chats/${chat.id}/messages`, { content });
  return { chatId: chat.id, turnId: body.turn?.id };
}

/** An API token of `browser`'s person. */
export async function apiToken(browser: Browser, scopes: readonly string[]): Promise<{ id: string; token: string }> {
  const { status, body } = await browser.post('/api/tokens', { name: 'attack', expiresInDays: 1, scopes });
  if (status !== 201) throw new Error(`a token could not be made: ${status}`);
  return { id: body.id, token: body.token };
}

/** How often each word came, e.g. `404 × 14`. */
export function tally(words: readonly (string | number)[]): string {
  const counts = Map.groupBy(words, String);
  return [...counts].map(([word, all]) => (all.length === words.length ? word : `${word} × ${all.length}`)).join(', ');
}

export { Browser };
