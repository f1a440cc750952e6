/** Which model answers: asked for, the chat's, the operator's, or the first the user may use. Checked before anything is saved. */
import { GatewayError } from '../errors.ts';
import type { ModelInfo } from '../runtimes/runtime-port.ts';
import { defaultOf, type ModelSources, userModels } from '../turns/model-choice.ts';

/**
 * The model of that name, if this user may use it. (Runtime 1.0.85 silently answers with another model for an unknown
 * name, so nobody else would tell.)
 * @throws GatewayError `model_unavailable` with the names that are
 */
export async function availableModel(deps: ModelSources, userId: string, name: string): Promise<ModelInfo> {
  const models = await userModels(deps, userId);
  const found = models.find((model) => model.id === name);
  if (found !== undefined) return found;
  throw new GatewayError(
    'model_unavailable',
    `The model ${JSON.stringify(name.slice(0, 100))} is not one you may use. GET /api/models lists them.`,
    {
      extensions: { availableModels: models.map((model) => model.id) },
    },
  );
}

/** The first of `wishes` that is set, else the default. @throws GatewayError `model_unavailable` for a wish */
export async function chooseModel(
  deps: ModelSources & { readonly defaultModel: string | null },
  userId: string,
  wishes: readonly (string | null | undefined)[],
): Promise<ModelInfo> {
  const wish = wishes.find((name) => name !== null && name !== undefined);
  if (wish !== undefined && wish !== null) return availableModel(deps, userId, wish);
  const chosen = defaultOf(await userModels(deps, userId), deps.defaultModel);
  if (chosen !== undefined) return chosen;
  throw new GatewayError('copilot_access_denied', 'GitHub Copilot offers no model to this account.');
}
