/** Jobs that delete what has had its time: each is one bounded deletion, repeated until nothing is left. */
import type { Store } from '../store/store.ts';
import type { Job } from './job.ts';
import { inSmallSteps } from './small-steps.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long an Idempotency-Key answers for its first request. */
const IDEMPOTENCY_MS = DAY;

/** How long the audit trail reaches back. */
const AUDIT_MS = 400 * DAY;

/** Durations in milliseconds. */
export interface ExpiryOptions {
  readonly sessionIdleMs: number;
  readonly turnEventsKeptMs: number;
}

export function expiryJobs(store: Store, { sessionIdleMs, turnEventsKeptMs }: ExpiryOptions): Job[] {
  const expiry = (name: string, everyMs: number, step: (now: number, limit: number) => Promise<number>): Job => ({
    name,
    everyMs,
    run: async ({ now, signal }) => ({ deleted: await inSmallSteps(signal, (limit) => step(now, limit)) }),
  });
  return [
    expiry('expired-web-sessions', 10 * MINUTE, (now, limit) =>
      store.webSessions.deleteExpired(now, sessionIdleMs, limit),
    ),
    expiry('expired-api-tokens', HOUR, (now, limit) => store.apiTokens.deleteExpired(now, limit)),
    expiry('old-turn-events', 10 * MINUTE, (now, limit) => store.turns.deleteFrames(now - turnEventsKeptMs, limit)),
    expiry('old-idempotency-keys', HOUR, (now, limit) =>
      store.turns.deleteIdempotencyKeys(now - IDEMPOTENCY_MS, limit),
    ),
    expiry('old-audit-events', DAY, (now, limit) => store.audit.deleteOld(now - AUDIT_MS, limit)),
  ];
}
