/** The model that a request names. */
import { GatewayError } from '../errors.ts';
import type { ModelInfo } from '../runtimes/runtime-port.ts';
import { defaultOf, type ModelSources, userModels } from '../turns/model-choice.ts';

/** What it takes to choose a model. */
export interface ModelDependencies extends ModelSources {
  /** `COPILOT_MODEL`; null: the first the person may use. */
  readonly defaultModel: string | null;
}

/**
 * The model of that name; where none is named the default, as in chats: the operator's for those who may use it, else the first
 * of the person's. (Runtime 1.0.85 silently answers with another model
 * for an unknown name, so nobody else would tell.)
 * @throws GatewayError `model_unavailable`; `copilot_access_denied` when there is none at all
 */
export async function chooseModel(deps: ModelDependencies, userId: string, name: string | null): Promise<ModelInfo> {
  const models = await userModels(deps, userId);
  const found = name === null ? defaultOf(models, deps.defaultModel) : models.find(({ id }) => id === name);
  if (found !== undefined) return found;
  if (name === null) throw new GatewayError('copilot_access_denied', 'GitHub Copilot offers no model to this account.');
  throw new GatewayError(
    'model_unavailable',
    `The model \`${name.slice(0, 100)}\` does not exist or you may not use it. GET /v1/models lists yours.`,
  );
}
