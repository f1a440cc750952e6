/** OpenAI's own client, unchanged, against the real gateway with the real runtime. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import OpenAI from 'openai';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { all, type Browser } from '../support/http-browser.ts';
import {
  asked,
  countRows,
  failure,
  type MadeToken,
  MODEL,
  makeToken,
  openAiClient,
  until,
} from '../support/programs.ts';

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

describe("OpenAI's client", () => {
  let gateway: TestGateway;
  let mona: Browser;
  let made: MadeToken;
  let client: OpenAI;
  /** What the model got last, without the time that the runtime puts before a prompt. */
  const lastSeen = () =>
    JSON.parse(
      JSON.stringify(gateway.standIn.modelRequests.at(-1)?.messages).replace(
        /<current_datetime>[^<]*<\/current_datetime>\\n\\n/g,
        '',
      ),
    );

  before(async () => {
    gateway = await startTestGateway({ env: { TURNS_PER_USER: '2' } });
    mona = await gateway.signIn('mona');
    made = await makeToken(mona);
    client = openAiClient(gateway, made.token);
  });
  after(() => gateway.close());

  it('lists the models of the person, and shows one', async () => {
    const models = (await all(client.models.list())).map(({ id }) => id);
    assert.ok(models.includes(MODEL) && models.length > 1);
    const { id, object } = await client.models.retrieve(MODEL);
    assert.deepEqual([id, object], [MODEL, 'model']);
    const error = await failure(client.models.retrieve('gpt-0'));
    assert.deepEqual([error.status, error.code, error.param], [404, 'model_not_found', 'model']);
  });

  it('gets an answer in one piece, with its account, paid by the person', async () => {
    const answer = await client.chat.completions.create(asked('[[say:Good morning.]]'));
    const [choice] = answer.choices;
    assert.deepEqual([choice?.message.role, choice?.message.content], ['assistant', 'Good morning.']);
    assert.equal(choice?.finish_reason, 'stop');
    assert.match(answer.id, /^chatcmpl-/);
    assert.equal(answer.model, MODEL);
    assert.ok(answer.usage && answer.usage.prompt_tokens > 0 && answer.usage.completion_tokens > 0);
    assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
    assert.equal(gateway.standIn.modelRequests.at(-1)?.login, 'mona');
    assert.match(answer._request_id ?? '', /./);
  });

  it('gets an answer in chunks, with its account at the end', async () => {
    const stream = await client.chat.completions.create({
      ...asked('[[tokens:20]]'),
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = await all(stream);
    const deltas = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '');
    assert.equal(deltas.join(''), Array.from({ length: 20 }, (_, index) => `w${index + 1}`).join(' '));
    assert.ok(deltas.filter((delta) => delta !== '').length > 5, 'it came piece by piece');
    assert.equal(chunks[0]?.choices[0]?.delta.role, 'assistant');
    assert.deepEqual(
      chunks.map((chunk) => chunk.choices[0]?.finish_reason).filter((reason) => reason),
      ['stop'],
    );
    assert.deepEqual(chunks.at(-1)?.choices, []);
    assert.equal(chunks.at(-1)?.usage?.completion_tokens, 20);
    assert.equal(new Set(chunks.map(({ id }) => id)).size, 1);
  });

  it('helps itself to the whole of a streamed answer', async () => {
    const runner = client.chat.completions.stream(asked('[[say:One two three.]]'));
    assert.equal((await runner.finalChatCompletion()).choices[0]?.message.content, 'One two three.');
  });

  it('is answered with what the protocol has on the wire: data alone, and a mark at the end', async () => {
    const response = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${made.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ ...asked('[[say:\\n\\ndata: [DONE\\]\\n\\n]]'), stream: true }),
    });
    assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8');
    assert.equal(response.headers.get('cache-control'), 'no-cache, no-transform');
    const text = await response.text();
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('retry:') && !line.startsWith(':'));
    assert.ok(lines.every((line) => line.startsWith('data: ')));
    assert.equal(lines.filter((line) => line === 'data: [DONE]').length, 1);
    assert.equal(lines.at(-1), 'data: [DONE]');
  });

  it('says what the model sees: its own system message and history, nothing of anyone else', async () => {
    await client.chat.completions.create({
      model: MODEL,
      messages: [
        { role: 'system', content: 'You are a pirate.' },
        { role: 'assistant', content: 'Ahoy.' },
        { role: 'user', content: 'My name is Ann.' },
        { role: 'user', content: [{ type: 'text', text: 'I sail.' }] },
        { role: 'assistant', content: 'Aye.' },
        { role: 'user', content: 'Who am I?' },
      ],
    });
    assert.deepEqual(lastSeen(), [
      { role: 'system', content: 'You are a pirate.' },
      { role: 'assistant', content: 'Ahoy.' },
      { role: 'user', content: 'My name is Ann.' },
      { role: 'user', content: 'I sail.' },
      { role: 'assistant', content: 'Aye.' },
      { role: 'user', content: 'Who am I?' },
    ]);
    await client.chat.completions.create(asked('Who am I?'));
    const [system, ...rest] = lastSeen();
    assert.match(system.content, /friendly/);
    assert.deepEqual(rest, [{ role: 'user', content: 'Who am I?' }]);
  });

  it('shows images, now and before', async () => {
    const image = { type: 'image_url' as const, image_url: { url: `data:image/png;base64,${PNG}` } };
    const look = { role: 'user' as const, content: [{ type: 'text' as const, text: 'Look.' }, image] };
    const now = await client.chat.completions.create({ model: MODEL, messages: [look] });
    assert.match(now.choices[0]?.message.content ?? '', /I can see 1 image/);
    await client.chat.completions.create({
      model: MODEL,
      messages: [look, { role: 'assistant', content: 'Nice.' }, { role: 'user', content: 'And?' }],
    });
    assert.ok(JSON.stringify(lastSeen()[1]).includes(PNG));
    const blind = await failure(client.chat.completions.create({ model: 'claude-haiku-4.5', messages: [look] }));
    assert.deepEqual([blind.status, blind.param], [400, 'model']);
  });

  it('has its stop sequences and its limit kept', async () => {
    const stopped = await client.chat.completions.create({ ...asked('[[tokens:300]] [[pace:5]]'), stop: ['w4', 'w9'] });
    assert.deepEqual([stopped.choices[0]?.message.content, stopped.choices[0]?.finish_reason], ['w1 w2 w3 ', 'stop']);
    const cut = await client.chat.completions.create({
      ...asked('[[tokens:300]] [[pace:5]]'),
      max_completion_tokens: 10,
    });
    assert.equal(cut.choices[0]?.finish_reason, 'length');
    assert.equal(cut.choices[0]?.message.content?.length, 60);
    await until('the model was stopped', () => gateway.standIn.modelRequests.slice(-2).every(({ aborted }) => aborted));
  });

  it('leaves nothing behind: no chat, no turn, no runtime session', async () => {
    await client.chat.completions.create(asked('[[say:x]]'));
    assert.deepEqual((await mona.get('/api/chats')).body.items, []);
    assert.equal(countRows(gateway, 'turns') + countRows(gateway, 'messages') + countRows(gateway, 'chats'), 0);
    await until('the runtime session is gone', () => countRows(gateway, 'session_files') === 0);
  });

  it('is told what has no effect, and refused what cannot be had', async () => {
    const { response } = await client.chat.completions
      .create({ ...asked('[[say:x]]'), temperature: 0.2, seed: 3, user: 'ann' })
      .withResponse();
    assert.equal(response.headers.get('pilothouse-ignored-parameters'), 'temperature, seed');
    const error = await failure(
      client.chat.completions.create({ ...asked('x'), tools: [{ type: 'function', function: { name: 'f' } }] }),
    );
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.deepEqual(
      [error.type, error.param, error.code],
      ['invalid_request_error', 'tools', 'unsupported_parameter'],
    );
  });

  it('is told by the status when the model refuses, streaming or not', async () => {
    for (const stream of [false, true]) {
      const error = await failure(client.chat.completions.create({ ...asked('[[fault:402]]'), stream }));
      assert.ok(error instanceof OpenAI.RateLimitError);
      assert.deepEqual([error.code, error.headers?.get('x-should-retry')], ['insufficient_quota', 'false']);
    }
  });

  it('may have as many answers at once as the person may have turns', async () => {
    // A stream is there when its first word is: only then both are surely going.
    const going = { ...asked('[[tokens:30]] [[pace:20]]'), stream: true } as const;
    const two = await Promise.all([0, 1].map(() => client.chat.completions.create(going)));
    const error = await failure(client.chat.completions.create(asked('[[say:x]]')));
    assert.deepEqual([error.status, error.code, error.headers?.get('retry-after')], [429, 'rate_limit_exceeded', '2']);
    await Promise.all(two.map((stream) => all(stream)));
    await client.chat.completions.create(asked('[[say:x]]'));
  });

  it('hears nothing of a model call that broke in mid-answer, when the next one says the same', async () => {
    const stream = await client.chat.completions.create({
      ...asked('[[tokens:8]] [[fault:cut after=3 times=1]]'),
      stream: true,
    });
    const deltas = (await all(stream)).map((chunk) => chunk.choices[0]?.delta.content ?? '');
    assert.equal(deltas.join(''), 'w1 w2 w3 w4 w5 w6 w7 w8');
  });

  it('stops the model when it goes away', async () => {
    for (const stream of [true, false]) {
      const before = gateway.standIn.modelRequests.length;
      const leaving = new AbortController();
      const asking = client.chat.completions.create(
        { ...asked('[[tokens:5000]] [[pace:10]]'), stream },
        { signal: leaving.signal },
      );
      const over = asking.then((answer) => (stream ? all(answer as AsyncIterable<unknown>) : null)).catch(() => null);
      await until('the model was asked', () => gateway.standIn.modelRequests.length > before);
      if (stream) await asking;
      leaving.abort();
      await over;
      await until('the model was stopped', () => gateway.standIn.modelRequests.at(-1)?.aborted === true, 2_000);
    }
  });

  it('is cut off within five seconds when its token is revoked, and told why', async (context) => {
    const doomed = await makeToken(mona);
    const stream = await openAiClient(gateway, doomed.token).chat.completions.create({
      ...asked('[[tokens:5000]] [[pace:10]]'),
      stream: true,
    });
    let revokedAt = 0;
    const error = await failure(
      (async () => {
        for await (const chunk of stream) {
          if (revokedAt > 0 || !chunk.choices[0]?.delta.content) continue;
          revokedAt = performance.now();
          assert.equal((await mona.delete(`/api/tokens/${doomed.id}`)).status, 204);
        }
      })(),
    );
    const took = performance.now() - revokedAt;
    context.diagnostic(`the open stream ended ${Math.round(took)} ms after the token was revoked`);
    assert.ok(took < 5_000);
    assert.equal(error.code, 'invalid_api_key');
    const refused = await failure(openAiClient(gateway, doomed.token).models.list());
    assert.ok(refused instanceof OpenAI.AuthenticationError);
  });
});
