/** The AI SDK, unchanged, against the real gateway with the real runtime. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, generateText, streamText } from 'ai';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { all } from '../support/http-browser.ts';
import { makeToken, until } from '../support/programs.ts';

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

describe('the AI SDK', () => {
  let gateway: TestGateway;
  let provider: ReturnType<typeof createOpenAICompatible>;
  const model = () => provider('gpt-5.4');

  before(async () => {
    gateway = await startTestGateway();
    const { token } = await makeToken(await gateway.signIn('mona'), ['chats:write']);
    provider = createOpenAICompatible({
      name: 'pilothouse',
      baseURL: `${gateway.url}/v1`,
      apiKey: token,
      includeUsage: true,
    });
  });
  after(() => gateway.close());

  it('generates text, with its account', async () => {
    const { text, finishReason, usage } = await generateText({
      model: model(),
      system: 'Be brief.',
      prompt: '[[say:Good morning.]]',
      temperature: 0.3,
    });
    assert.deepEqual([text, finishReason], ['Good morning.', 'stop']);
    assert.ok((usage.inputTokens ?? 0) > 0 && (usage.outputTokens ?? 0) > 0);
  });

  it('streams text, with its account', async () => {
    const result = streamText({ model: model(), prompt: '[[tokens:20]]' });
    const pieces = await all(result.textStream);
    assert.ok(pieces.length > 5);
    assert.equal(pieces.join(''), Array.from({ length: 20 }, (_, index) => `w${index + 1}`).join(' '));
    assert.equal(await result.finishReason, 'stop');
    assert.equal((await result.usage).outputTokens, 20);
  });

  it('holds a conversation, with images', async () => {
    const { text } = await generateText({
      model: model(),
      messages: [
        { role: 'user', content: 'I like tea.' },
        { role: 'assistant', content: 'Noted.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What did I say before?' },
            { type: 'image', image: Buffer.from(PNG, 'base64'), mediaType: 'image/png' },
          ],
        },
      ],
    });
    assert.match(text, /1\. I like tea\./);
    assert.match(text, /I can see 1 image/);
  });

  it('understands what it is refused', async () => {
    await assert.rejects(
      generateText({ model: provider('gpt-0'), prompt: 'x', maxRetries: 0 }),
      (error) => error instanceof APICallError && error.statusCode === 404 && /gpt-0/.test(error.message),
    );
  });

  it('stops the model when it is told to stop', async () => {
    const stopping = new AbortController();
    const result = streamText({
      model: model(),
      prompt: '[[tokens:5000]] [[pace:10]]',
      abortSignal: stopping.signal,
    });
    for await (const piece of result.textStream) if (piece !== '') stopping.abort();
    await until('the model was stopped', () => gateway.standIn.modelRequests.at(-1)?.aborted === true, 2_000);
  });
});
