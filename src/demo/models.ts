/** A model of the stand-in, by what tells it from the others. */
export interface StandInModel {
  id: string;
  name?: string;
  vendor?: string;
  /** Premium requests that one prompt costs; 0: included. Default 1. */
  multiplier?: number;
  /** Takes images. Default false. */
  vision?: boolean;
  /** False: listed with a policy that is not enabled. Default true. */
  enabled?: boolean;
  /** Tokens of prompt and answer together. Default 128 000. */
  contextTokens?: number;
}

/** What everyone may use who has no list of their own. */
export const DEFAULT_MODELS: readonly StandInModel[] = [
  { id: 'gpt-5.4', name: 'GPT-5.4', vendor: 'OpenAI', vision: true },
  { id: 'claude-sonnet-4.5', name: 'Claude Sonnet 4.5', vendor: 'Anthropic', vision: true, contextTokens: 200_000 },
  { id: 'gpt-5-mini', name: 'GPT-5 mini', vendor: 'OpenAI', vision: true, multiplier: 0 },
  { id: 'claude-haiku-4.5', name: 'Claude Haiku 4.5', vendor: 'Anthropic', multiplier: 0.33, contextTokens: 200_000 },
];

const OUTPUT_TOKENS = 16_384;

/** A model as `GET /models` describes it. */
export function describeModel(model: StandInModel): Record<string, unknown> {
  const contextTokens = model.contextTokens ?? 128_000;
  const multiplier = model.multiplier ?? 1;
  return {
    id: model.id,
    name: model.name ?? model.id,
    object: 'model',
    vendor: model.vendor ?? 'Stand-in',
    version: model.id,
    preview: false,
    model_picker_enabled: true,
    model_picker_category: multiplier === 0 ? 'lightweight' : 'versatile',
    is_chat_default: model.id === DEFAULT_MODELS[0]?.id,
    is_chat_fallback: multiplier === 0,
    // The runtimes speak this one for every family as long as it is the only one offered.
    supported_endpoints: ['/chat/completions'],
    policy: { state: model.enabled === false ? 'disabled' : 'enabled', terms: '' },
    billing: { is_premium: multiplier > 0, multiplier },
    capabilities: {
      type: 'chat',
      object: 'model_capabilities',
      family: model.id,
      tokenizer: 'o200k_base',
      limits: {
        max_context_window_tokens: contextTokens,
        max_prompt_tokens: contextTokens - OUTPUT_TOKENS,
        max_output_tokens: OUTPUT_TOKENS,
        ...(model.vision && { vision: VISION_LIMITS }),
      },
      supports: {
        streaming: true,
        tool_calls: true,
        parallel_tool_calls: true,
        structured_outputs: true,
        ...(model.vision && { vision: true }),
      },
    },
  };
}

const VISION_LIMITS = {
  max_prompt_image_size: 3_145_728,
  max_prompt_images: 5,
  supported_media_types: ['image/jpeg', 'image/png', 'image/webp', 'image/gif'],
};
