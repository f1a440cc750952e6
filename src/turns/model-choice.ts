/** Which models a person may use: what every way of asking chooses from. */
import { GatewayError } from '../errors.ts';
import type { ModelInfo, Runtimes } from '../runtimes/runtime-port.ts';
import type { CredentialSource } from './credential-source.ts';

/** What it takes to know a person's models. */
export interface ModelSources {
  readonly runtimes: Runtimes;
  readonly credentials: CredentialSource;
}

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
