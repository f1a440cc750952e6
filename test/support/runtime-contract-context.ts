import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HistoryEntry } from '../../src/runtimes/runtime-port.ts';
import { type Contract, PIXEL, seen } from './runtime-contract-parts.ts';
import { leaseRequest, runTurn, say } from './runtime-settings.ts';

const HISTORY: readonly HistoryEntry[] = [
  { role: 'user', content: 'My cat is called Mia.\n"quoted" </end>', attachments: [] },
  { role: 'assistant', content: 'A fine name.', attachments: [] },
  { role: 'user', content: 'And here she is.', attachments: [PIXEL] },
  { role: 'assistant', content: 'Lovely.', attachments: [] },
];

/** The runtime's context agrees with our history, or is made to. */
export function contextContract(given: Contract): void {
  const soon = (): AbortSignal => AbortSignal.timeout(30_000);

  test('a chat goes on in another instance with an empty disk', async () => {
    const user = given.ground.user('octavia');
    const first = await given.ground.open();
    await runTurn(await first.lease(leaseRequest(user, 'resume'), soon()), say('I like tea.'));
    await first.close();
    const second = await given.ground.open();
    const mustNotAsk = async (): Promise<never> => assert.fail('the session is there: no rebuild');
    const lease = await second.lease(leaseRequest(user, 'resume', { history: mustNotAsk }), soon());
    const { answer } = await runTurn(lease, say('what did I say before?'));
    assert.match(answer, /I like tea\./);
    await second.close();
  });

  test('another version of our history: the model sees exactly that', async () => {
    const user = given.ground.user('octavia');
    const turn = async (contextVersion: number, text: string) => {
      const request = leaseRequest(user, 'rebuild', { contextVersion, history: async () => HISTORY });
      return runTurn(await given.runtimes.lease(request, soon()), say(text));
    };
    const fresh = leaseRequest(user, 'rebuild');
    await runTurn(await given.runtimes.lease(fresh, soon()), say('This will be unsaid.'));
    await turn(2, 'What was said? (rebuilt)');
    checkSeen(given, seen(given, '(rebuilt)'));
    // Once rebuilt it is an ordinary session again, warm and resumed alike.
    const { answer } = await turn(2, 'what did I say before?');
    assert.match(answer, /\(rebuilt\)/);
  });

  test('a session that is missing is rebuilt from our history', async () => {
    const user = given.ground.user('octavia');
    const request = leaseRequest(user, 'missing', { history: async () => HISTORY });
    const { events } = await runTurn(await given.runtimes.lease(request, soon()), say('Who? (missing)'));
    checkSeen(given, seen(given, '(missing)'));
    assert.ok(!events.some((event) => event.type === 'title'), 'a later prompt does not name the chat');
  });

  test('a deleted session is gone for good', async () => {
    const user = given.ground.user('octavia');
    const request = leaseRequest(user, 'deleted');
    await runTurn(await given.runtimes.lease(request, soon()), say('Forget this.'));
    await given.runtimes.deleteSession(user, request.sessionId, soon());
    await given.runtimes.deleteSession({ userId: user.userId }, request.sessionId, soon()); // missing is fine
    assert.equal(await given.ground.files.stat(request.sessionId, '/state/events.jsonl'), null);
    const { answer } = await runTurn(await given.runtimes.lease(request, soon()), say('what did I say before?'));
    assert.match(answer, /That was the first thing you said to me\./);
  });

  test('another instance went on with the chat: the warm session here is not trusted', async () => {
    const user = given.ground.user('octavia');
    const other = await given.ground.open();
    const turn = async (where: typeof other | typeof given.runtimes, text: string) =>
      runTurn(await where.lease(leaseRequest(user, 'moved'), soon()), say(text));
    await turn(given.runtimes, 'Said here.');
    await turn(other, 'Said there.');
    const { answer } = await turn(given.runtimes, 'what did I say before?');
    assert.match(answer, /Said here\./);
    assert.match(answer, /Said there\./);
    await other.close();
  });

  test('the system message and the model of a chat can change', async () => {
    const user = given.ground.user('octavia');
    const turn = async (changes: object, text: string) =>
      runTurn(await given.runtimes.lease(leaseRequest(user, 'changes', changes), soon()), say(text));
    await turn({}, 'Before. (c1)');
    await turn({ systemMessage: 'You are brief.', model: 'gpt-5-mini' }, 'After. (c2)');
    const request = seen(given, '(c2)');
    assert.equal(request.model, 'gpt-5-mini');
    assert.deepEqual(request.messages[0], { role: 'system', content: 'You are brief.' });
    assert.match(JSON.stringify(request.messages), /\(c1\)/);
  });
}

function checkSeen(given: Contract, request: { messages: unknown[] }): void {
  const text = JSON.stringify(request.messages);
  assert.ok(!text.includes('This will be unsaid.'));
  assert.ok(text.includes(PIXEL.data), 'the picture is there');
  if (!given.ground.stateInStore) {
    // No way to put words into the model's mouth on a server of others: one message tells it all, word for word.
    for (const { role, content } of HISTORY) {
      assert.ok(text.includes(JSON.stringify(JSON.stringify({ role, content }).slice(1, -1)).slice(1, -1)));
    }
    return;
  }
  const told = request.messages.slice(1, -1).map((message) => message as { role: string; content: unknown });
  assert.deepEqual(
    told.map(({ role }) => role),
    HISTORY.map(({ role }) => role),
  );
  assert.deepEqual(
    [told[0]?.content, told[1]?.content, told[3]?.content],
    [HISTORY[0]?.content, HISTORY[1]?.content, HISTORY[3]?.content],
  );
}
