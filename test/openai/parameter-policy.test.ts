import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GatewayError } from '../../src/errors.ts';
import { openAiError } from '../../src/openai/openai-errors.ts';
import type { CompletionRequestBody } from '../../src/openai/openai-shapes.ts';
import { ignoredParameters, invalidRequest, refuseUnsupported } from '../../src/openai/parameter-policy.ts';

const body = (extra: object): CompletionRequestBody => ({ messages: [{ role: 'user', content: 'x' }], ...extra });

describe('parameters of a completion', () => {
  for (const [name, value] of [
    ['tools', [{ type: 'function' }]],
    ['tool_choice', 'required'],
    ['functions', [{}]],
    ['function_call', { name: 'f' }],
    ['n', 2],
    ['logprobs', true],
    ['top_logprobs', 3],
    ['logit_bias', { 50256: -100 }],
    ['response_format', { type: 'json_object' }],
    ['response_format', { type: 'json_schema', json_schema: {} }],
    ['modalities', ['text', 'audio']],
    ['audio', { voice: 'alloy' }],
    ['web_search_options', {}],
    ['stream_options', { include_usage: true }],
  ] as const) {
    it(`are refused by name where ignoring would lie: ${name} ${JSON.stringify(value)}`, () => {
      assert.throws(
        () => refuseUnsupported(body({ [name]: value })),
        (error) => error instanceof GatewayError && error.extensions.param === name,
      );
    });
  }

  it('that ask for nothing are taken as clients send them', () => {
    refuseUnsupported(
      body({
        ...{ tools: [], tool_choice: 'auto', functions: null, n: 1, logprobs: false, top_logprobs: 0, logit_bias: {} },
        ...{ response_format: { type: 'text' }, modalities: ['text'], audio: null, stream_options: null },
        ...{ user: 'u', metadata: { a: 'b' }, service_tier: 'auto', something_new: { deep: true } },
      }),
    );
  });

  it('without effect are told by name, unless they are at their default', () => {
    assert.deepEqual(ignoredParameters(body({ temperature: 1, top_p: null, seed: 7, store: false })), ['seed']);
    assert.deepEqual(ignoredParameters(body({ temperature: 0, reasoning_effort: 'low' })), [
      'temperature',
      'reasoning_effort',
    ]);
  });
});

describe("errors in OpenAI's envelope", () => {
  it('have the status, type and code that its clients know', () => {
    const told = (error: GatewayError) => {
      const { status, body } = openAiError(error);
      return [status, body.error.type, body.error.code, body.error.param];
    };
    assert.deepEqual(told(new GatewayError('unauthenticated', '')), [
      401,
      'invalid_request_error',
      'invalid_api_key',
      null,
    ]);
    assert.deepEqual(told(new GatewayError('insufficient_scope', '')), [
      403,
      'permission_error',
      'insufficient_scope',
      null,
    ]);
    assert.deepEqual(told(new GatewayError('model_unavailable', '')), [
      404,
      'invalid_request_error',
      'model_not_found',
      'model',
    ]);
    assert.deepEqual(told(new GatewayError('context_too_long', '')), [
      400,
      'invalid_request_error',
      'context_length_exceeded',
      'messages',
    ]);
    assert.deepEqual(told(new GatewayError('too_many_turns', '')), [
      429,
      'rate_limit_error',
      'rate_limit_exceeded',
      null,
    ]);
    assert.deepEqual(told(new GatewayError('runtime_unavailable', '')), [
      503,
      'server_error',
      'runtime_unavailable',
      null,
    ]);
    assert.deepEqual(told(invalidRequest('n', '', 'unsupported_parameter')), [
      400,
      'invalid_request_error',
      'unsupported_parameter',
      'n',
    ]);
  });

  it('name the field that has the wrong shape as OpenAI does', () => {
    const errors = [{ field: 'body/messages/3/content/0/type', message: 'must be string' }];
    const { body } = openAiError(new GatewayError('validation_failed', 'x', { extensions: { errors } }));
    assert.equal(body.error.param, 'messages[3].content[0].type');
  });

  it('say when to try again, and when not to', () => {
    assert.deepEqual(openAiError(new GatewayError('rate_limited', '', { retryAfter: 1.2 })).headers, {
      'retry-after': '2',
    });
    assert.deepEqual(openAiError(new GatewayError('quota_exceeded', '')).headers, { 'x-should-retry': 'false' });
  });
});
