/** What tests of programs share: a token in hand, the real clients of OpenAI's API, and a look at what is left behind. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import OpenAI from 'openai';
import type { Scope } from '../../src/principal.ts';
import type { TestGateway } from './gateway.ts';
import type { Browser } from './http-browser.ts';

/** A token as its maker sees it. */
export interface MadeToken {
  readonly id: string;
  readonly token: string;
}

/** Makes a token in `browser`'s name. */
export async function makeToken(
  browser: Browser,
  scopes: readonly Scope[] = ['chats:read', 'chats:write', 'account:read'],
): Promise<MadeToken> {
  const { status, body, text } = await browser.post('/api/tokens', { name: scopes.join(' '), scopes });
  if (status !== 201) throw new Error(`no token: ${status} ${text}`);
  return body as MadeToken;
}

/** OpenAI's own client, as it comes, but that it does not hide failures by trying again. */
export function openAiClient(gateway: TestGateway, token: string): OpenAI {
  return new OpenAI({ apiKey: token, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
}

/** A model that sees, for whoever does not care which. */
export const MODEL = 'gpt-5.4';

/** The shortest request. */
export function asked(content: string) {
  return { model: MODEL, messages: [{ role: 'user' as const, content }] };
}

/** What OpenAI's client throws. */
export async function failure(work: Promise<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> {
  try {
    await work;
  } catch (error) {
    if (error instanceof OpenAI.APIError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

/** Rows of a table in the gateway's database. */
export function countRows(gateway: TestGateway, table: 'session_files' | 'chats' | 'turns' | 'messages'): number {
  const database = new DatabaseSync(join(gateway.dataDir, 'gateway.db'), { readOnly: true });
  try {
    return Number(database.prepare(`select count(*) as count from ${table}`).get()?.count);
  } finally {
    database.close();
  }
}

/** Waits until `condition` holds. @throws Error naming `what` when it does not within `ms` */
export async function until(what: string, condition: () => boolean, ms = 5_000): Promise<void> {
  for (const deadline = Date.now() + ms; !condition(); await delay(5)) {
    if (Date.now() > deadline) throw new Error(`it did not come to pass within ${ms} ms: ${what}`);
  }
}
