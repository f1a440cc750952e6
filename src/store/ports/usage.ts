/** What was used, and by whom. */
import type { UsageRecord } from '../records.ts';
import type { CreationKey } from './pages.ts';

/** What one model cost a user in a span of time. */
export interface UsageTotal {
  model: string | null;
  requests: number;
  inputTokens: number;
  outputTokens: number;
  cachedTokens: number;
  cost: number;
}

/** What a person's usage can be summed up by. Days are those of UTC. */
export type UsageGrouping = 'day' | 'model' | 'chat';

/** The sum of some model calls. */
export interface UsageSum {
  /** Model calls. */
  requests: number;
  /** Turns of chats they belonged to; calls of the OpenAI-compatible API belong to none. */
  turns: number;
  inputTokens: number;
  outputTokens: number;
  cachedTokens: number;
  cost: number;
}

/** One group: a day (days since the epoch, in decimal), a model, a chat's id; null: calls that have none. */
export interface UsageGroup extends UsageSum {
  key: string | null;
}

export interface UsageRepository {
  /** Adds model calls that no turn ends with. */
  add(records: readonly UsageRecord[]): Promise<void>;
  /** Sums over `[from, to)`; at most `limit` groups: the latest days, otherwise those with most requests. */
  grouped(
    userId: string,
    options: { from: number; to: number; by: UsageGrouping; limit: number },
  ): Promise<UsageGroup[]>;
  /** The sum over `[from, to)`. */
  sum(userId: string, options: { from: number; to: number }): Promise<UsageSum>;
  /** Model calls in `[from, to)`, newest first, after the key `after`; at most `limit` (1,000 unless told). */
  ofUser(
    userId: string,
    options: { from: number; to: number; after?: CreationKey; limit?: number },
  ): Promise<UsageRecord[]>;
  /** Sums over `[from, to)` by model, however many calls there were. */
  totals(userId: string, options: { from: number; to: number }): Promise<UsageTotal[]>;
}
