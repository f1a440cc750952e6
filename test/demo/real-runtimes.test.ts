import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CopilotClient, type CopilotSession, RuntimeConnection, type SessionConfig } from '@github/copilot-sdk';
import { type StandIn, startStandIn } from '../../src/demo/stand-in.ts';

const TURN_DEADLINE_MS = 10_000;

let api: StandIn;
let home: string;
before(async () => {
  api = await startStandIn();
  home = await mkdtemp(join(tmpdir(), 'stand-in-runtime-'));
});
after(async () => {
  await api.close();
  await rm(home, { recursive: true, force: true, maxRetries: 5 });
});

/** Nothing of our environment, and the stand-in as proxy, so that an attempt to reach any other host is seen. */
function runtimeEnv(): Record<string, string> {
  return {
    HOME: home,
    XDG_CACHE_HOME: home,
    COPILOT_API_URL: api.copilotApiUrl,
    COPILOT_DEBUG_GITHUB_API_URL: api.debugGitHubApiUrl,
    HTTPS_PROXY: api.url,
  };
}

function sessionOf(login: string, change: Partial<SessionConfig> = {}): SessionConfig {
  return {
    gitHubToken: api.issueToken(login),
    model: 'gpt-5.4',
    streaming: true,
    availableTools: [],
    systemMessage: { mode: 'replace', content: 'Be kind.' },
    disabledMcpServers: ['github-mcp-server'],
    enableSessionStore: false,
    ...change,
  };
}

async function turn(session: CopilotSession, prompt: string): Promise<string | undefined> {
  return (await session.sendAndWait({ prompt }, TURN_DEADLINE_MS))?.data.content;
}

function foreignHosts(): string[] {
  return api.requests.filter((request) => request.method === 'CONNECT').map((request) => request.path);
}

async function withNative(run: (client: CopilotClient) => Promise<void>): Promise<void> {
  const client = new CopilotClient({
    mode: 'empty',
    baseDirectory: home,
    useLoggedInUser: false,
    gitHubToken: api.issueToken('mona'),
    env: runtimeEnv(),
  });
  try {
    await client.start();
    await run(client);
  } finally {
    await client.forceStop();
  }
}

test('the native runtime streams turns that know what was said before', () =>
  withNative(async (client) => {
    const session = await client.createSession(sessionOf('mona'));
    const deltas: string[] = [];
    session.on('assistant.message_delta', (event) => void deltas.push(event.data.deltaContent));
    const first = await turn(session, 'my boat is blue');
    assert.equal(first, 'You said: my boat is blue\n\n(message 1 of this conversation)');
    assert.equal(deltas.join(''), first);
    assert.match((await turn(session, 'what did I say before?')) ?? '', /1\. my boat is blue/);
    assert.deepEqual(foreignHosts(), []);
  }));

test('the native runtime lists models and quota of the person whose token it is given', () =>
  withNative(async (client) => {
    const gitHubToken = api.issueToken('octavia');
    const { models } = await client.rpc.models.list({ gitHubToken });
    assert.deepEqual(models.map((model) => model.id).sort(), [
      'auto',
      'claude-haiku-4.5',
      'claude-sonnet-4.5',
      'gpt-5-mini',
      'gpt-5.4',
    ]);
    const { quotaSnapshots } = await client.rpc.account.getQuota({ gitHubToken });
    assert.equal(quotaSnapshots.premium_interactions?.entitlementRequests, 300);
  }));

test('the native runtime uses the model that the stand-in chooses for auto', () =>
  withNative(async (client) => {
    const session = await client.createSession(sessionOf('mona', { model: 'auto' }));
    const used: (string | undefined)[] = [];
    session.on('assistant.usage', (event) => void used.push(event.data.model));
    await turn(session, 'hello');
    assert.deepEqual(used, ['gpt-5.4']);
  }));

test('the native runtime retries a cut answer and gets it whole', () =>
  withNative(async (client) => {
    const session = await client.createSession(sessionOf('mona'));
    assert.equal(await turn(session, '[[tokens:4]][[fault:cut after=2 times=1]]'), 'w1 w2 w3 w4');
  }));

test('the native runtime calls the tool that a prompt asks for', () =>
  withNative(async (client) => {
    const session = await client.createSession(
      sessionOf('mona', {
        availableTools: ['custom:*'],
        tools: [
          { name: 'tide', description: 'Tells the tide', skipPermission: true, handler: async () => 'it is high' },
        ],
      }),
    );
    assert.match((await turn(session, '[[tool:tide]]')) ?? '', /The tool answered: it is high/);
  }));

test('the native runtime sees images', () =>
  withNative(async (client) => {
    const session = await client.createSession(sessionOf('mona'));
    const data = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
    const image = { type: 'blob', mimeType: 'image/png', displayName: 'dot.png', data } as const;
    const answer = await session.sendAndWait({ prompt: 'look', attachments: [image] }, TURN_DEADLINE_MS);
    assert.match(answer?.data.content ?? '', /I can see 1 image\./);
  }));

// Native runtime 1.0.85: whatever COPILOT_API_URL says, a list of models that cannot be read sends prompt and token there.
test('a runtime that cannot read its models tries to reach GitHub, and the stand-in sees it', () =>
  withNative(async (client) => {
    const session = await client.createSession(sessionOf('nocopilot'));
    const failed = new Promise<void>((resolve) => {
      session.on((event) => {
        if (/call_failure$/.test(event.type)) resolve();
      });
    });
    await session.send({ prompt: 'hello' });
    await failed;
    assert.ok(foreignHosts().includes('api.githubcopilot.com:443'));
  }));

/** Starts the full CLI on a free port. */
async function startCli(connectionToken: string): Promise<{ child: ChildProcess; port: string }> {
  const path = fileURLToPath(import.meta.resolve(`@github/copilot-${process.platform}-${process.arch}`));
  const child = spawn(path, ['--headless', '--no-auto-update', '--port', '0'], {
    env: { ...runtimeEnv(), COPILOT_CONNECTION_TOKEN: connectionToken },
    cwd: home,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  for await (const line of createInterface(child.stdout)) {
    const port = /listening on port (\d+)/.exec(line)?.[1];
    if (port !== undefined) return { child, port };
  }
  throw new Error('The CLI ended before it listened');
}

test('the full CLI, headless over TCP, lists models and completes a turn without reaching another host', async () => {
  const before = foreignHosts().length;
  const connectionToken = 'a-connection-token-for-this-test';
  const { child, port } = await startCli(connectionToken);
  const client = new CopilotClient({
    mode: 'empty',
    connection: RuntimeConnection.forUri(`127.0.0.1:${port}`, { connectionToken }),
  });
  try {
    await client.start();
    const { models } = await client.rpc.models.list({ gitHubToken: api.issueToken('hubot') });
    assert.ok(models.some((model) => model.id === 'gpt-5.4'));
    const session = await client.createSession(sessionOf('hubot'));
    assert.match((await turn(session, 'ahoy')) ?? '', /^You said: ahoy/);
    assert.equal(api.modelRequests.at(-1)?.login, 'hubot');
    assert.equal(foreignHosts().length, before);
  } finally {
    await client.forceStop();
    child.kill('SIGKILL');
  }
});
