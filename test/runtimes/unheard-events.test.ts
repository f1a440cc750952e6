/** What nobody wants to hear is not read: known by its first bytes, as the real runtime writes them. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { CopilotClient, RuntimeConnection } from '@github/copilot-sdk';
import { startStandIn } from '../../src/demo/stand-in.ts';
import { childOf, leaveUnread } from '../../src/runtimes/sdk-internals.ts';
import { isUnheard } from '../../src/runtimes/unheard-events.ts';

interface StreamReader {
  listen(callback: (message: unknown) => void): unknown;
}

const event = (type: string, sessionId = 'user-1-chat') =>
  JSON.stringify({ jsonrpc: '2.0', method: 'session.event', params: { sessionId, event: { type, data: {} } } });

function framed(...messages: string[]): string {
  return messages.map((message) => `Content-Length: ${Buffer.byteLength(message)}\r\n\r\n${message}`).join('');
}

test('only what is named is left unread', () => {
  for (const type of ['model.messages_snapshot', 'assistant.streaming_delta'])
    assert.ok(isUnheard(Buffer.from(event(type))));
  for (const type of ['assistant.message_delta', 'model.call_failure', 'session.idle', 'something.new'])
    assert.ok(!isUnheard(Buffer.from(event(type))), type);
  const answer = JSON.stringify({ jsonrpc: '2.0', id: 1, result: event('model.messages_snapshot') });
  assert.ok(!isUnheard(Buffer.from(answer)), 'an answer is an answer, whatever it quotes');
  const named = event('assistant.message_delta', '","event":{"type":"model.message"');
  assert.ok(!isUnheard(Buffer.from(named)), 'nor does the name of a session decide');
  assert.ok(!isUnheard(Buffer.from('')));
});

test('a reader of the SDK passes over it, and keeps the order of the rest', async () => {
  leaveUnread(isUnheard);
  const ofSdk = createRequire(import.meta.resolve('@github/copilot-sdk'));
  const { StreamMessageReader } = ofSdk('vscode-jsonrpc/node.js') as {
    StreamMessageReader: new (stream: PassThrough) => StreamReader;
  };
  const stream = new PassThrough();
  const heard: string[] = [];
  const over = Promise.withResolvers<void>();
  new StreamMessageReader(stream).listen((message) => {
    const { type } = (message as { params: { event: { type: string } } }).params.event;
    heard.push(type);
    if (type === 'session.idle') over.resolve();
  });
  const types = ['user.message', 'model.message', 'assistant.message', 'model.messages_snapshot', 'session.idle'];
  stream.write(framed(...types.map((type) => event(type))));
  await over.promise;
  assert.deepEqual(heard, ['user.message', 'assistant.message', 'session.idle']);
});

test('the runtime still begins its messages so that they are known', async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'unheard-'));
  const standIn = await startStandIn();
  t.after(async () => {
    await standIn.close();
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
  });
  const client = new CopilotClient({
    connection: RuntimeConnection.forStdio({
      env: {
        HOME: home,
        COPILOT_API_URL: standIn.copilotApiUrl,
        COPILOT_DEBUG_GITHUB_API_URL: standIn.debugGitHubApiUrl,
      },
    }),
    mode: 'empty',
    useLoggedInUser: false,
    baseDirectory: home,
    workingDirectory: home,
  });
  await client.start();
  t.after(() => client.forceStop());
  let told = '';
  childOf(client)?.stdout?.on('data', (chunk: Buffer) => {
    told += chunk.toString('latin1');
  });
  const session = await client.createSession({
    gitHubToken: standIn.issueToken('mona'),
    model: 'gpt-5.4',
    streaming: true,
    availableTools: [],
    systemMessage: { mode: 'replace', content: 'You are kind.' },
  });
  await session.sendAndWait('Hello');
  const messages = told.split(/Content-Length: \d+\r\n\r\n/);
  const of = (type: string) => messages.filter((message) => message.includes(`"event":{"type":"${type}"`));
  for (const type of ['model.messages_snapshot', 'assistant.streaming_delta'])
    assert.ok(of(type).length > 0 && of(type).every((message) => isUnheard(Buffer.from(message))), type);
  for (const type of ['assistant.message_delta', 'session.idle'])
    assert.ok(of(type).length > 0 && !of(type).some((message) => isUnheard(Buffer.from(message))), type);
});
