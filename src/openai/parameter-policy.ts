/**
 * What the runtime cannot do, and what becomes of it. Refused: what would make the answer another one than was asked for.
 * Ignored, and said so in a header: how the model is to choose its words. Pure.
 */
import { GatewayError } from '../errors.ts';
import type { CompletionRequestBody } from './openai-shapes.ts';

/** A 400 that names the parameter. */
export function invalidRequest(param: string, message: string, code: string | null = null): GatewayError {
  return new GatewayError('validation_failed', message, { extensions: { param, openAiCode: code } });
}

type Harmless = (value: unknown) => boolean;

const oneOf =
  (...values: unknown[]): Harmless =>
  (value) =>
    values.includes(value);
const empty: Harmless = (value) => typeof value === 'object' && value !== null && Object.keys(value).length === 0;
const never: Harmless = () => false;

interface Refusal {
  /** Values that ask for nothing. `null` and absence always do. */
  readonly unless: Harmless;
  readonly why: string;
}

const TOOLS = 'this gateway lets no client bring tools of its own';
const ONE_ANSWER = 'Copilot gives one answer to one prompt';
const PROBABILITIES = 'Copilot does not tell probabilities';

const REFUSED: Readonly<Record<string, Refusal>> = {
  tools: { unless: empty, why: TOOLS },
  tool_choice: { unless: oneOf('none', 'auto'), why: TOOLS },
  functions: { unless: empty, why: TOOLS },
  function_call: { unless: oneOf('none', 'auto'), why: TOOLS },
  n: { unless: oneOf(1), why: ONE_ANSWER },
  logprobs: { unless: oneOf(false), why: PROBABILITIES },
  top_logprobs: { unless: oneOf(0), why: PROBABILITIES },
  logit_bias: { unless: empty, why: 'Copilot does not let tokens be weighed' },
  response_format: {
    unless: (value) => (value as { type?: unknown }).type === 'text',
    why: 'nothing would hold the model to the format. Ask for it in the prompt, and check the answer',
  },
  modalities: {
    unless: (value) => Array.isArray(value) && value.every((kind) => kind === 'text'),
    why: 'answers are text',
  },
  audio: { unless: never, why: 'answers are text' },
  web_search_options: { unless: never, why: 'the model has no access to the network' },
};

/** Without effect. The value: what they are by default, which is not worth mentioning. */
const IGNORED: Readonly<Record<string, unknown>> = {
  temperature: 1,
  top_p: 1,
  presence_penalty: 0,
  frequency_penalty: 0,
  seed: null,
  reasoning_effort: null,
  verbosity: null,
  prediction: null,
  store: false,
  top_k: null,
  min_p: null,
  repetition_penalty: null,
};

/** @throws GatewayError naming the first parameter that asks for what cannot be had */
export function refuseUnsupported(body: CompletionRequestBody): void {
  for (const [param, { unless, why }] of Object.entries(REFUSED)) {
    const value: unknown = body[param as keyof CompletionRequestBody];
    if (value === undefined || value === null || unless(value)) continue;
    throw invalidRequest(param, `\`${param}\` is not supported: ${why}.`, 'unsupported_parameter');
  }
  if (body.stream !== true && (body.stream_options ?? null) !== null) {
    throw invalidRequest('stream_options', '`stream_options` is only allowed when `stream` is true.');
  }
}

/** Names of the parameters in `body` that have no effect though they ask for one. */
export function ignoredParameters(body: CompletionRequestBody): string[] {
  return Object.entries(IGNORED)
    .filter(([name, usual]) => {
      const value: unknown = body[name as keyof CompletionRequestBody];
      return value !== undefined && value !== null && value !== usual;
    })
    .map(([name]) => name);
}
