/** The model that a request names. */
import { GatewayError } from '../errors.ts';
import type { ModelInfo } from '../runtimes/runtime-port.ts';
import { type ModelSources, modelsOf } from '../turns/model-choice.ts';

/** What it takes to choose a model. */
export interface ModelDependencies extends ModelSources {
  /** `COPILOT_MODEL`; null: the first the person may use. */
  readonly defaultModel: string | null;
}

/**
 * The model of that name, or where there is none the gateway's default. (Runtime 1.0.85 silently answers with another model
 * for an unknown name, so nobody else would tell.)
 * @throws GatewayError `model_unavailable`
 */
export async function chooseModel(deps: ModelDependencies, userId: string, name: string | null): Promise<ModelInfo> {
  const models = await modelsOf(deps, userId);
  const wanted = name ?? deps.defaultModel;
  const found = wanted === null ? models[0] : models.find(({ id }) => id === wanted);
  if (found !== undefined) return found;
  throw new GatewayError(
    'model_unavailable',
    `The model \`${(wanted ?? '').slice(0, 100)}\` does not exist or you may not use it. GET /v1/models lists yours.`,
  );
}
