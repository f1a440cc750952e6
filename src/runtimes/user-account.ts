/**
 * What a user's own credential is good for: their models and quota, in our words.
 */
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import { AccountCache } from './account-cache.ts';
import { within } from './deadline.ts';
import { errorOf, failureOfCall } from './runtime-errors.ts';
import type { RuntimeFleet } from './runtime-fleet.ts';
import type { RuntimeHost } from './runtime-host.ts';
import type { RuntimeParts } from './runtime-parts.ts';
import type { ModelInfo, QuotaInfo, RuntimeUser } from './runtime-port.ts';

type SdkModel = Awaited<ReturnType<RuntimeHost['models']>>['models'][number];
type SdkQuotas = Awaited<ReturnType<RuntimeHost['quota']>>['quotaSnapshots'];

export class UserAccounts {
  readonly #fleet: RuntimeFleet;
  readonly #parts: RuntimeParts;
  readonly #models: AccountCache<readonly ModelInfo[]>;
  readonly #quotas: AccountCache<readonly QuotaInfo[]>;

  constructor(fleet: RuntimeFleet, parts: RuntimeParts) {
    this.#fleet = fleet;
    this.#parts = parts;
    this.#models = new AccountCache(parts.timings.accountTtl, parts.clock);
    this.#quotas = new AccountCache(parts.timings.accountTtl, parts.clock);
  }

  /** See `Runtimes.models`. */
  async models(user: RuntimeUser, signal: AbortSignal): Promise<readonly ModelInfo[]> {
    if (user.credential.kind === 'byok') return configuredModels(this.#parts.config);
    const answer = this.#models.get(keyOf(user), () =>
      this.#ask(user, async (host, token, alone) => {
        const { models } = await host.models(token, alone);
        if (models.length === 0)
          throw new GatewayError('copilot_access_denied', 'No Copilot model is open to this account.');
        return models.filter(isOffered).map(modelOf);
      }),
    );
    return within(answer, { what: 'models', ms: this.#parts.timings.account * 2, signals: [signal] });
  }

  /** See `Runtimes.quota`. A provider of one's own has none that we could know. */
  async quota(user: RuntimeUser, signal: AbortSignal): Promise<readonly QuotaInfo[]> {
    if (user.credential.kind === 'byok') return [];
    const answer = this.#quotas.get(keyOf(user), () =>
      this.#ask(user, async (host, token, alone) => quotasOf((await host.quota(token, alone)).quotaSnapshots)),
    );
    return within(answer, { what: 'quota', ms: this.#parts.timings.account * 2, signals: [signal] });
  }

  forget(userId: string): void {
    this.#models.forget(`${userId} `);
    this.#quotas.forget(`${userId} `);
  }

  /** The one who asked first may leave: others wait for the same answer, so the question has a signal of its own. */
  async #ask<T>(
    user: RuntimeUser,
    question: (host: RuntimeHost, token: string, alone: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { credential } = user;
    if (credential.kind === 'byok') throw new GatewayError('internal_error', 'A BYOK user has no GitHub account.');
    const alone = AbortSignal.timeout(this.#parts.timings.account * 2);
    const host = await this.#fleet.acquire(user.userId, alone);
    try {
      return await question(host, credential.token, alone);
    } catch (error) {
      if (error instanceof GatewayError) throw error;
      throw errorOf(failureOfCall(error), credential.kind, error);
    } finally {
      this.#fleet.release(host);
    }
  }
}

/** Everybody has the service's account alike. */
function keyOf({ userId, credential }: RuntimeUser): string {
  return credential.kind === 'github' ? `${userId} ${credential.version}` : ` ${credential.kind}`;
}

function configuredModels(config: Config): ModelInfo[] {
  return (config.copilot.provider?.models ?? []).map((id) => ({
    id,
    name: id,
    vision: false,
    contextWindow: null,
    maxOutputTokens: null,
    multiplier: null,
    reasoningEfforts: [],
  }));
}

/** `auto` names no model, so that nobody could tell afterwards whether the right one was used (not established, 1.0.85). */
function isOffered(model: SdkModel): boolean {
  return model.policy?.state !== 'disabled' && model.id !== 'auto';
}

/** A model as the runtime lists it, in our words. */
export function modelOf(model: SdkModel): ModelInfo {
  const limits = model.capabilities?.limits;
  return {
    id: model.id,
    name: model.name,
    vision: model.capabilities?.supports?.vision ?? false,
    contextWindow: limits?.max_context_window_tokens ?? null,
    maxOutputTokens: limits?.max_output_tokens ?? null,
    multiplier: model.billing?.multiplier ?? null,
    reasoningEfforts: model.supportedReasoningEfforts ?? [],
  };
}

/** Quotas as the runtime tells them, in our words. */
export function quotasOf(quotas: SdkQuotas): QuotaInfo[] {
  return Object.entries(quotas).flatMap(([name, quota]) =>
    quota === undefined
      ? []
      : [
          {
            name,
            entitlement: quota.isUnlimitedEntitlement ? null : quota.entitlementRequests,
            used: quota.usedRequests,
            remainingPercentage: quota.remainingPercentage,
            unlimited: quota.isUnlimitedEntitlement,
            overageAllowed: quota.overageAllowedWithExhaustedQuota,
            resetsAt: quota.resetDate ?? null,
          },
        ],
  );
}
