/** Chats with a past, made through the API as the person whose browser it is. */
import type { BrowserContext } from 'playwright-core';

/** @returns the id of a chat with `turns` questions, `Question 1` and so on, each answered */
export async function seedChat(url: string, context: BrowserContext, turns: number, answer = ''): Promise<string> {
  const cookie = (await context.cookies(url)).map(({ name, value }) => `${name}=${value}`).join('; ');
  const post = async (path: string, body: unknown): Promise<{ id: string }> => {
    const response = await fetch(new URL(path, url), {
      method: 'POST',
      headers: { cookie, 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as { id: string };
  };
  const chat = await post('/api/chats', { title: `Chat of ${turns} turns` });
  for (let turn = 1; turn <= turns; turn += 1) {
    await post(`/api/chats/${chat.id}/messages`, { content: `Question ${turn}${answer}` });
  }
  return chat.id;
}
