/** Which models a person may use, and the one a request names. */
import { GatewayError } from '../errors.ts';
import type { ModelInfo, Runtimes } from '../runtimes/runtime-port.ts';
import type { CredentialSource } from '../turns/credential-source.ts';

/** What it takes to know a person's models. */
export interface ModelDependencies {
  readonly runtimes: Runtimes;
  readonly credentials: CredentialSource;
  /** `COPILOT_MODEL`; null: the first the person may use. */
  readonly defaultModel: string | null;
}

/** How long the list of models may take, in milliseconds. */
const MODELS_MS = 15_000;

/** The models this person may use. */
export async function modelsOf(deps: ModelDependencies, userId: string): Promise<readonly ModelInfo[]> {
  const signal = AbortSignal.timeout(MODELS_MS);
  const user = await deps.credentials.runtimeUser(userId, signal);
  try {
    return await deps.runtimes.models(user, signal);
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'reauth_required') await deps.credentials.rejected(user);
    throw error;
  }
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
