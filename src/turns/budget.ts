/** The operator's budget of one person and day. Pure. */
import { GatewayError } from '../errors.ts';
import type { UsageSum } from '../store/store.ts';

/** What one person may use from midnight to midnight, UTC. 0: as much as they like. */
export interface Budget {
  readonly tokensPerDay: number;
  /** Model calls: a turn is one or more. */
  readonly requestsPerDay: number;
}

const DAY_MS = 86_400_000;

/** What a turn is taken to need as long as nobody knows: a short question with the runtime's own instructions. */
const SMALLEST_TURN_TOKENS = 1_000;

/** The day of `now`, in ms since the epoch; the end is exclusive. */
export function dayAt(now: number): { from: number; to: number } {
  const from = now - (now % DAY_MS);
  return { from, to: from + DAY_MS };
}

/**
 * Why nothing new may begin; null: it may. What is going reserves one request each, and as many tokens as this person's
 * requests of the day took on average: with that, turns begun together pass the budget by no more than their own size.
 */
export function budgetRefusal(budget: Budget, used: UsageSum, going: number, now: number): GatewayError | null {
  const { tokensPerDay, requestsPerDay } = budget;
  const tokens = used.inputTokens + used.outputTokens;
  const typical = Math.max(SMALLEST_TURN_TOKENS, used.requests === 0 ? 0 : tokens / used.requests);
  if (requestsPerDay > 0 && used.requests + going >= requestsPerDay) return refusal(`${requestsPerDay} requests`, now);
  if (tokensPerDay > 0 && tokens + going * typical >= tokensPerDay) return refusal(`${tokensPerDay} tokens`, now);
  return null;
}

function refusal(allowed: string, now: number): GatewayError {
  const retryAfter = Math.ceil((dayAt(now).to - now) / 1_000);
  const detail = `You may use ${allowed} a day here, and they are used up or in use. The next day begins at midnight UTC.`;
  return new GatewayError('quota_exceeded', detail, { retryAfter });
}
