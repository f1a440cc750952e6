/** Which models a person may use: what every way of asking chooses from. */
import { GatewayError } from '../errors.ts';
import type { ModelInfo, Runtimes } from '../runtimes/runtime-port.ts';
import type { CredentialSource } from './credential-source.ts';

/** What it takes to know a person's models. */
export interface ModelSources {
  readonly runtimes: Runtimes;
  readonly credentials: CredentialSource;
}

/** The name by which Copilot chooses for each call: it may be chosen, but is nobody's default. */
const AUTO = 'auto';

/** How long the list of models may take, in milliseconds. */
const MODELS_MS = 15_000;

/**
 * The models this person may use, in the runtime's order.
 * @throws GatewayError `reauth_required`, and the credential is marked then; whatever else the runtimes say
 */
export async function modelsOf(deps: ModelSources, userId: string): Promise<readonly ModelInfo[]> {
  const signal = AbortSignal.timeout(MODELS_MS);
  const user = await deps.credentials.runtimeUser(userId, signal);
  try {
    return await deps.runtimes.models(user, signal);
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'reauth_required') await deps.credentials.rejected(user);
    throw error;
  }
}

/** The models this user may use, `auto` last: what stands first answers where nobody chose. */
export async function userModels(deps: ModelSources, userId: string): Promise<readonly ModelInfo[]> {
  const models = await modelsOf(deps, userId);
  return [...models.filter(({ id }) => id !== AUTO), ...models.filter(({ id }) => id === AUTO)];
}

/**
 * The model that answers where nobody chose: the operator's, for those who may use it, else the first of the list.
 * Undefined: there is none.
 */
export function defaultOf(models: readonly ModelInfo[], operators: string | null): ModelInfo | undefined {
  return models.find(({ id }) => id === operators) ?? models[0];
}
