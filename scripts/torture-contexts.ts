/** Whether the model, asked after all that dying, is told what our history says. */
import { historyOf } from './torture-check.ts';
import { canaryOf, type Person } from './torture-users.ts';

/** One more message per chat: what the model is then told must be what our history says. */
export async function countDisagreements(person: Person, standInUrl: string, evidence: string[]): Promise<number> {
  let disagreeing = 0;
  for (const chatId of person.chats) {
    const mark = `${canaryOf(person.login)}last-${chatId}`;
    const answer = await person.browser.post(`/api/chats/${chatId}/messages`, { content: mark });
    if (answer.status !== 200) throw new Error(`the last message: ${answer.status} ${answer.text}`);
    const history = (await historyOf(person, chatId)).slice(0, -1).map(({ role, content }) => [role, content.trim()]);
    const told = await toldToModel(standInUrl, mark);
    if (!sameConversation(history as [string, string][], told)) {
      disagreeing += 1;
      evidence.push(`kept: ${JSON.stringify(history)}\ntold: ${JSON.stringify(told)}`);
    }
  }
  return disagreeing;
}

async function toldToModel(standInUrl: string, mark: string): Promise<[string, string][]> {
  const answer = await fetch(`${standInUrl}/_control/requests`);
  const { modelRequests } = (await answer.json()) as { modelRequests: { messages: SeenMessage[] }[] };
  const request = modelRequests.findLast(({ messages }) => JSON.stringify(messages.at(-1)).includes(mark));
  return (request?.messages ?? [])
    .filter(({ role }) => role !== 'system')
    .map(({ role, content }) => [role, typeof content === 'string' ? content : JSON.stringify(content)]);
}

interface SeenMessage {
  readonly role: string;
  readonly content: unknown;
}

/** The runtime wraps prompts in elements of its own, so what we know must be in what was told, one by one, in order. */
function sameConversation(history: readonly [string, string][], told: readonly [string, string][]): boolean {
  const said = history.filter(([, content]) => content !== '');
  return (
    said.length === told.length &&
    said.every(([role, content], index) => told[index]?.[0] === role && told[index][1].includes(content))
  );
}
