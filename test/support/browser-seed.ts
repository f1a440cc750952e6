/** Chats with a past, made through the API as the person whose browser it is. */
import type { BrowserContext } from 'playwright-core';

/** @returns the id of a chat with `turns` questions, `Question 1` and so on, each answered */
export async function seedChat(url: string, context: BrowserContext, turns: number): Promise<string> {
  const post = await poster(url, context);
  const chat = await post('/api/chats', { title: `Chat of ${turns} turns` });
  for (let turn = 1; turn <= turns; turn += 1) {
    await post(`/api/chats/${chat.id}/messages`, { content: `Question ${turn}` });
  }
  return chat.id;
}

/** Makes chats without messages. @returns their ids */
export async function seedTitles(url: string, context: BrowserContext, titles: readonly string[]): Promise<string[]> {
  const post = await poster(url, context);
  const ids: string[] = [];
  for (const title of titles) ids.push((await post('/api/chats', { title })).id);
  return ids;
}

/** @returns the id of a chat that came from a file, with `turns` questions and whatever `answer` says to each */
export async function importChat(
  url: string,
  context: BrowserContext,
  turns: number,
  answer: (turn: number) => string,
): Promise<string> {
  const post = await poster(url, context);
  const messages = Array.from({ length: turns }, (_, index) => [
    { role: 'user', content: `Question ${index + 1} with some words to it` },
    { role: 'assistant', content: answer(index + 1) },
  ]).flat();
  const chat = await post('/api/chats/import', { chat: { title: `Chat of ${turns} turns` }, messages });
  return chat.id;
}

async function poster(url: string, context: BrowserContext) {
  const cookie = (await context.cookies(url)).map(({ name, value }) => `${name}=${value}`).join('; ');
  return async (path: string, body: unknown): Promise<{ id: string }> => {
    const response = await fetch(new URL(path, url), {
      method: 'POST',
      headers: { cookie, 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as { id: string };
  };
}
