/** Which model answers: asked for, the chat's, the operator's, or the first the user may use. Checked before anything is saved. */
import { GatewayError } from '../errors.ts';
import type { ModelInfo, Runtimes } from '../runtimes/runtime-port.ts';
import type { CredentialSource } from '../turns/credential-source.ts';

interface ModelDependencies {
  readonly runtimes: Runtimes;
  readonly credentials: CredentialSource;
}

/** How long the list of models may take, in milliseconds. */
const MODELS_MS = 15_000;

/** The name by which Copilot chooses for each call: it may be chosen, but is nobody's default. */
const AUTO = 'auto';

/** The models this user may use, `auto` last: what stands first answers where nobody chose. */
export async function userModels(deps: ModelDependencies, userId: string): Promise<readonly ModelInfo[]> {
  const signal = AbortSignal.timeout(MODELS_MS);
  const user = await deps.credentials.runtimeUser(userId, signal);
  try {
    const models = await deps.runtimes.models(user, signal);
    return [...models.filter(({ id }) => id !== AUTO), ...models.filter(({ id }) => id === AUTO)];
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'reauth_required') await deps.credentials.rejected(user);
    throw error;
  }
}

/**
 * The model of that name, if this user may use it. (Runtime 1.0.85 silently answers with another model for an unknown
 * name, so nobody else would tell.)
 * @throws GatewayError `model_unavailable` with the names that are
 */
export async function availableModel(deps: ModelDependencies, userId: string, name: string): Promise<ModelInfo> {
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

/**
 * The model that answers where nobody chose: the operator's, for those who may use it, else the first of the list.
 * Undefined: there is none.
 */
export function defaultOf(models: readonly ModelInfo[], operators: string | null): ModelInfo | undefined {
  return models.find(({ id }) => id === operators) ?? models[0];
}

/** The first of `wishes` that is set, else the default. @throws GatewayError `model_unavailable` for a wish */
export async function chooseModel(
  deps: ModelDependencies & { readonly defaultModel: string | null },
  userId: string,
  wishes: readonly (string | null | undefined)[],
): Promise<ModelInfo> {
  const wish = wishes.find((name) => name !== null && name !== undefined);
  if (wish !== undefined && wish !== null) return availableModel(deps, userId, wish);
  const chosen = defaultOf(await userModels(deps, userId), deps.defaultModel);
  if (chosen !== undefined) return chosen;
  throw new GatewayError('copilot_access_denied', 'GitHub Copilot offers no model to this account.');
}
