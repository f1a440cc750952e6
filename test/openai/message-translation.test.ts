import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GatewayError } from '../../src/errors.ts';
import { translateMessages } from '../../src/openai/message-translation.ts';

type Messages = Parameters<typeof translateMessages>[0];

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const image = (url: string) => ({ type: 'image_url', image_url: { url } });

/** The parameter that is blamed. */
function blamed(messages: Messages): unknown {
  try {
    translateMessages(messages);
  } catch (error) {
    return error instanceof GatewayError ? error.extensions.param : error;
  }
  return 'nothing';
}

describe("OpenAI's messages", () => {
  it('become system message, history and prompt', () => {
    const conversation = translateMessages([
      { role: 'system', content: 'Be kind.' },
      { role: 'user', content: 'One' },
      { role: 'assistant', content: 'First' },
      { role: 'developer', content: [{ type: 'text', text: 'Be brief.' }] },
      { role: 'user', content: 'Two' },
    ]);
    assert.deepEqual(conversation, {
      systemMessage: 'Be kind.\n\nBe brief.',
      history: [
        { role: 'user', content: 'One', attachments: [] },
        { role: 'assistant', content: 'First', attachments: [] },
      ],
      prompt: { text: 'Two', attachments: [] },
    });
  });

  it('without a system message leave that to the operator', () => {
    assert.equal(translateMessages([{ role: 'user', content: 'x' }]).systemMessage, null);
  });

  it('may come in parts, with images as data URLs', () => {
    const { prompt } = translateMessages([
      {
        role: 'user',
        content: [{ type: 'text', text: 'a' }, image(`data:image/png;base64,${PNG}`), { type: 'text', text: 'b' }],
      },
    ]);
    assert.deepEqual(prompt, {
      text: 'a\nb',
      attachments: [{ type: 'image', mimeType: 'image/png', data: PNG, name: null }],
    });
  });

  it('that say nothing are left out of the history', () => {
    const { history } = translateMessages([
      { role: 'assistant', content: null, tool_calls: [] },
      { role: 'user', content: ' ' },
      { role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] },
      { role: 'user', content: 'x' },
    ]);
    assert.deepEqual(
      history.map(({ content }) => content),
      ['No.'],
    );
  });

  for (const [what, messages, param] of [
    [
      'end with the assistant',
      [
        { role: 'user', content: 'x' },
        { role: 'assistant', content: 'y' },
      ],
      'messages',
    ],
    ['hold only a system message', [{ role: 'system', content: 'x' }], 'messages'],
    ['ask nothing', [{ role: 'user', content: ' \n' }], 'messages'],
    ['come from a tool', [{ role: 'tool', content: 'x' }], 'messages[0].role'],
    [
      'come from nobody known',
      [
        { role: 'user', content: 'x' },
        { role: 'narrator', content: 'y' },
      ],
      'messages[1].role',
    ],
    ['call a tool', [{ role: 'assistant', content: null, tool_calls: [{}] }], 'messages[0].tool_calls'],
    ['hold sound', [{ role: 'user', content: [{ type: 'input_audio' }] }], 'messages[0].content[0]'],
    [
      'hold an image of the assistant',
      [{ role: 'assistant', content: [image(`data:image/png;base64,${PNG}`)] }],
      'messages[0].content[0]',
    ],
    [
      'name an image elsewhere',
      [{ role: 'user', content: [image('https://example.com/cat.png')] }],
      'messages[0].content[0].image_url.url',
    ],
    ['name a file', [{ role: 'user', content: [image('file:///etc/passwd')] }], 'messages[0].content[0].image_url.url'],
    [
      'hold another kind of image',
      [{ role: 'user', content: [image('data:image/svg+xml;base64,PHN2Zz4=')] }],
      'messages[0].content[0].image_url.url',
    ],
    [
      'hold what is no image',
      [{ role: 'user', content: [image('data:image/png;base64,aGVsbG8=')] }],
      'messages[0].content[0].image_url.url',
    ],
  ] as [string, Messages, string][]) {
    it(`are refused when they ${what}`, () => assert.equal(blamed(messages), param));
  }
});
