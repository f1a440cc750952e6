import type { ServerResponse } from 'node:http';
import { organizationId, type StandInPerson } from './people.ts';

/** Premium requests a month, by plan. */
const MONTHLY_PREMIUM = { individual: 300, business: 300, none: 0 } as const;

/** How much of the month's premium requests each person has used. */
export class PremiumLedger {
  readonly #used = new Map<string, number>();

  /** Counts a call. */
  add(login: string, requests: number): void {
    this.#used.set(login, (this.#used.get(login) ?? 0) + requests);
  }

  /** Where a person stands. */
  standing(person: StandInPerson): { entitlement: number; remaining: number; percentRemaining: number } {
    const entitlement = MONTHLY_PREMIUM[person.plan ?? 'individual'];
    const remaining = Math.max(0, entitlement - (this.#used.get(person.login) ?? 0));
    return { entitlement, remaining, percentRemaining: entitlement === 0 ? 0 : (remaining / entitlement) * 100 };
  }
}

/** The first of next month, when quotas start anew. */
function quotaReset(now: number): Date {
  const date = new Date(now);
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1));
}

/** `GET /copilot_internal/user`: who this is to Copilot, where its endpoints are, what is left. */
export function describeAccount(
  person: StandInPerson,
  premium: PremiumLedger,
  origin: string,
  now = Date.now(),
): Record<string, unknown> {
  const access = person.plan !== 'none';
  const business = person.plan === 'business';
  const reset = quotaReset(now).toISOString();
  return {
    login: person.login,
    access_type_sku: access ? (business ? 'copilot_for_business_seat' : 'monthly_subscriber') : 'no_access',
    analytics_tracking_id: `stand-in-${person.id}`,
    assigned_date: access ? '2026-01-01T00:00:00Z' : null,
    can_signup_for_limited: !access,
    chat_enabled: access,
    copilot_plan: business ? 'business' : 'individual',
    organization_login_list: business ? person.orgs : [],
    organization_list: business ? person.orgs.map((org) => ({ login: org, name: org, id: organizationId(org) })) : [],
    endpoints: { api: origin, proxy: origin, telemetry: origin, 'origin-tracker': origin },
    quota_reset_date: reset.slice(0, 10),
    quota_reset_date_utc: reset,
    ...(access && { quota_snapshots: quotaSnapshots(person, premium) }),
  };
}

function quotaSnapshots(person: StandInPerson, premium: PremiumLedger): Record<string, unknown> {
  const { entitlement, remaining, percentRemaining } = premium.standing(person);
  const base = { overage_count: 0, overage_permitted: false, timestamp_utc: new Date().toISOString() };
  const unlimited = {
    ...base,
    entitlement: 0,
    remaining: 0,
    quota_remaining: 0,
    percent_remaining: 100,
    unlimited: true,
  };
  return {
    chat: { ...unlimited, quota_id: 'chat' },
    completions: { ...unlimited, quota_id: 'completions' },
    premium_interactions: {
      ...base,
      quota_id: 'premium_interactions',
      entitlement,
      remaining: Math.floor(remaining),
      quota_remaining: remaining,
      percent_remaining: percentRemaining,
      unlimited: false,
    },
  };
}

/** Tells a model call's quota in headers, as Copilot's model API does. */
export function setQuotaHeaders(response: ServerResponse, person: StandInPerson, premium: PremiumLedger): void {
  const { entitlement, percentRemaining } = premium.standing(person);
  const reset = quotaReset(Date.now()).toISOString();
  const rest = new URLSearchParams({ ov: '0.0', ovPerm: 'false', rem: percentRemaining.toFixed(1), rst: reset });
  response.setHeader('x-quota-snapshot-premium_interactions', `ent=${entitlement}&${rest}`);
  response.setHeader('x-quota-snapshot-chat', `ent=-1&ov=0.0&ovPerm=false&rem=100.0&rst=${encodeURIComponent(reset)}`);
}
