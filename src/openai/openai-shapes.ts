/** The shapes of OpenAI's API, as far as this gateway speaks it. Requests may carry more: clients send what they know. */
import { type Static, Type } from 'typebox';
import { Nullable } from '../wire/shapes.ts';

const open = { additionalProperties: true };

const ContentPart = Type.Object(
  {
    type: Type.String({ description: 'text or image_url' }),
    text: Type.Optional(Type.String()),
    refusal: Type.Optional(Type.String()),
    image_url: Type.Optional(Type.Object({ url: Type.String({ description: 'data:image/…;base64,…' }) }, open)),
  },
  open,
);

const RequestMessage = Type.Object(
  {
    role: Type.String({ description: 'system, developer, user or assistant' }),
    content: Type.Optional(Nullable(Type.Union([Type.String(), Type.Array(ContentPart)]))),
    tool_calls: Type.Optional(Nullable(Type.Array(Type.Unknown()))),
    function_call: Type.Optional(Type.Unknown()),
  },
  open,
);

const optionalNumber = (minimum: number, maximum: number, description: string) =>
  Type.Optional(Nullable(Type.Number({ minimum, maximum, description })));
const optionalCount = (description: string) =>
  Type.Optional(Nullable(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description })));
const REFUSED = 'Refused unless it asks for nothing: the runtime cannot do it';

/** `POST /v1/chat/completions`. */
export const CompletionRequest = Type.Object(
  {
    model: Type.Optional(Type.String({ maxLength: 200, description: "Default: the gateway's" })),
    messages: Type.Array(RequestMessage, { minItems: 1, maxItems: 10_000 }),
    stream: Type.Optional(Nullable(Type.Boolean())),
    stream_options: Type.Optional(
      Nullable(Type.Object({ include_usage: Type.Optional(Nullable(Type.Boolean())) }, open)),
    ),
    stop: Type.Optional(Nullable(Type.Union([Type.String(), Type.Array(Type.String(), { maxItems: 4 })]))),
    max_tokens: optionalCount('The older name of max_completion_tokens'),
    max_completion_tokens: optionalCount('About as many: docs/clients.md'),
    temperature: optionalNumber(0, 2, 'Accepted, without effect'),
    top_p: optionalNumber(0, 1, 'Accepted, without effect'),
    presence_penalty: optionalNumber(-2, 2, 'Accepted, without effect'),
    frequency_penalty: optionalNumber(-2, 2, 'Accepted, without effect'),
    user: Type.Optional(Nullable(Type.String({ description: 'Accepted, without effect' }))),
    n: Type.Optional(Nullable(Type.Integer({ description: 'Only 1' }))),
    tools: Type.Optional(Nullable(Type.Array(Type.Unknown(), { description: REFUSED }))),
    response_format: Type.Optional(Nullable(Type.Object({ type: Type.String({ description: 'Only text' }) }, open))),
    logprobs: Type.Optional(Nullable(Type.Boolean({ description: REFUSED }))),
  },
  { ...open, description: 'Fields that are not named here are tolerated without effect' },
);

/** A request that has the right shape. */
export type CompletionRequestBody = Static<typeof CompletionRequest>;

export const UsageShape = Type.Object({
  prompt_tokens: Type.Integer(),
  completion_tokens: Type.Integer(),
  total_tokens: Type.Integer(),
  prompt_tokens_details: Type.Object({ cached_tokens: Type.Integer() }),
});

/** Tokens of all model calls of a completion. */
export type CompletionUsage = Static<typeof UsageShape>;

export const FinishReason = Type.Enum(['stop', 'length', 'content_filter']);

/** Why an answer ended. */
export type FinishReason = Static<typeof FinishReason>;

/** The answer in one piece. */
export const Completion = Type.Object(
  {
    id: Type.String(),
    object: Type.Literal('chat.completion'),
    created: Type.Integer({ description: 'Seconds since the epoch' }),
    model: Type.String(),
    choices: Type.Array(
      Type.Object({
        index: Type.Integer(),
        message: Type.Object({
          role: Type.Literal('assistant'),
          content: Type.String(),
          refusal: Type.Null(),
        }),
        logprobs: Type.Null(),
        finish_reason: FinishReason,
      }),
    ),
    usage: Type.Optional(UsageShape),
  },
  { title: 'Completion' },
);

export const ModelShape = Type.Object(
  {
    id: Type.String(),
    object: Type.Literal('model'),
    created: Type.Integer({ description: 'Always 0: nobody tells' }),
    owned_by: Type.String(),
  },
  { title: 'OpenAiModel' },
);

export const ModelList = Type.Object({ object: Type.Literal('list'), data: Type.Array(ModelShape) });

/** OpenAI's envelope of errors. */
export const ErrorShape = Type.Object(
  {
    error: Type.Object({
      message: Type.String(),
      type: Type.String(),
      param: Nullable(Type.String()),
      code: Nullable(Type.String()),
    }),
  },
  { title: 'OpenAiError' },
);

/** Declared for every route: response schemas also shape error bodies. */
export const openAiErrors = { '4xx': ErrorShape, '5xx': ErrorShape } as const;
