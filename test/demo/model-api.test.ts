import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, afterEach, before, test } from 'node:test';
import { type StandIn, startStandIn } from '../../src/demo/stand-in.ts';

let api: StandIn;
before(async () => {
  api = await startStandIn();
});
afterEach(() => {
  api.setFault(null);
  api.setModels(null, null);
});
after(() => api.close());

interface Ask {
  token?: string;
  stream?: boolean;
  model?: string;
  signal?: AbortSignal;
}

function ask(prompt: string, options: Ask = {}): Promise<Response> {
  const { token = api.issueToken('mona'), stream = true, model = 'gpt-5.4', signal = null } = options;
  return fetch(`${api.copilotApiUrl}/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, stream, messages: [{ role: 'user', content: prompt }] }),
    signal,
  });
}

interface Chunk {
  choices: { delta: { content?: string }; finish_reason: string | null }[];
  usage?: { total_tokens: number };
}

function chunksOf(text: string): Chunk[] {
  return [...text.matchAll(/^data: (\{.*\})$/gm)].map((match) => JSON.parse(match[1] ?? '') as Chunk);
}

function contentOf(text: string): string {
  return chunksOf(text)
    .map((chunk) => chunk.choices[0]?.delta.content ?? '')
    .join('');
}

test('a stream carries the answer, then usage, a finish reason and the end mark', async () => {
  const text = await (await ask('[[tokens:3]]')).text();
  assert.equal(contentOf(text), 'w1 w2 w3');
  const last = chunksOf(text).at(-1);
  assert.equal(last?.choices[0]?.finish_reason, 'stop');
  assert.ok(last.usage);
  assert.ok(text.endsWith('data: [DONE]\n\n'));
});

test('without stream the same answer comes in one piece', async () => {
  const body = (await (await ask('[[say:all at once]]', { stream: false })).json()) as {
    choices: { message: { content: string } }[];
  };
  assert.equal(body.choices[0]?.message.content, 'all at once');
});

test('a dead token is refused with 401, a person without Copilot with 403, a foreign model with 400', async () => {
  assert.equal((await ask('x', { token: 'gho_unknown' })).status, 401);
  assert.equal(api.modelRequests.at(-1)?.login, null);
  assert.equal((await ask('x', { token: api.issueToken('nocopilot') })).status, 403);
  assert.equal((await ask('x', { model: 'gpt-1' })).status, 400);
});

test('everyone may have models of their own', async () => {
  api.setModels('mona', [{ id: 'only-mona' }]);
  const idsOf = async (login: string) => {
    const headers = { authorization: `Bearer ${api.issueToken(login)}` };
    const list = (await (await fetch(`${api.copilotApiUrl}/models`, { headers })).json()) as { data: { id: string }[] };
    return list.data.map((model) => model.id);
  };
  assert.deepEqual(await idsOf('mona'), ['only-mona']);
  assert.ok((await idsOf('hubot')).includes('gpt-5.4'));
  api.setModels('mona', null);
});

test('a fault with times=1 fails the first attempt of a request, not the next', async () => {
  const token = api.issueToken('mona');
  const first = await ask('[[fault:429 retry-after=2 times=1]]', { token });
  assert.deepEqual([first.status, first.headers.get('retry-after')], [429, '2']);
  assert.equal((await ask('[[fault:429 retry-after=2 times=1]]', { token })).status, 200);
});

test('a fault that is set holds for every call until it is cleared', async () => {
  api.setFault({ kind: 503 });
  assert.equal((await ask('x')).status, 503);
  assert.equal((await ask('y')).status, 503);
  api.setFault(null);
  assert.equal((await ask('y')).status, 200);
});

test('a cut stream has shown exactly the deltas before the cut', async () => {
  const response = await ask('[[tokens:5]][[fault:cut after=2]]');
  let seen = '';
  await assert.rejects(async () => {
    for await (const piece of response.body ?? []) seen += Buffer.from(piece).toString();
  });
  assert.equal(contentOf(seen), 'w1 w2 ');
  assert.equal(api.modelRequests.at(-1)?.aborted, false);
});

for (const fault of ['hang', 'stall after=1'])
  test(`a client that leaves during ${fault} is noted as the one who ended it`, async () => {
    const leave = new AbortController();
    const response = await ask(`[[tokens:3]][[fault:${fault}]]`, { signal: leave.signal });
    const entry = api.modelRequests.at(-1);
    leave.abort();
    await assert.rejects(response.text());
    while (!entry?.aborted) await new Promise((resolve) => setImmediate(resolve));
  });

test('a call that ended by itself is not noted as aborted', async () => {
  await (await ask('[[say:done]]')).text();
  assert.equal(api.modelRequests.at(-1)?.aborted, false);
});

test('run as a process it prints its addresses, and is steered and read over HTTP', async () => {
  const child = spawn(process.execPath, ['src/demo/stand-in-main.ts'], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
    const { url } = JSON.parse(line) as { url: string };
    const control = async (body: unknown) => {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(`${url}/_control`, { method: 'POST', headers, body: JSON.stringify(body) });
      return (await response.json()) as { result?: string; message?: string };
    };
    const { result: token = '' } = await control({ action: 'issueToken', login: 'mona' });
    await control({ action: 'setFault', fault: '418 times=1' });
    const headers = { authorization: `Bearer ${token}` };
    const body = JSON.stringify({ model: 'gpt-5.4', messages: [{ role: 'user', content: 'hi' }] });
    const refused = await fetch(`${url}/chat/completions`, { method: 'POST', headers, body });
    assert.equal(refused.status, 418);
    const log = (await (await fetch(`${url}/_control/requests`)).json()) as { modelRequests: { login: string }[] };
    assert.deepEqual(
      log.modelRequests.map((request) => request.login),
      ['mona'],
    );
    assert.match((await control({ action: 'unknown' })).message ?? '', /issueToken/);
  } finally {
    child.kill();
  }
});
