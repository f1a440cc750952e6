import { setTimeout as delay } from 'node:timers/promises';
import { type Exchange, sendJson } from './exchange.ts';
import type { GitHubFault } from './faults.ts';

/** Holds GitHub's fault and lets it happen. */
export interface GitHubFaultSwitch {
  set(fault: GitHubFault | null): void;
  /** Lets the fault happen to a request of GitHub's side. True: the request is done with. */
  strikes(exchange: Exchange): Promise<boolean>;
}

const GITHUB_PATHS = /^\/(login|user|orgs|applications|copilot_internal)(\/|$)/;

/** A switch that is off. */
export function githubFaultSwitch(): GitHubFaultSwitch {
  let fault: GitHubFault | null = null;
  return {
    set: (next) => {
      fault = next;
    },
    strikes: async (exchange) => {
      if (!fault || !GITHUB_PATHS.test(exchange.path) || !exchange.path.startsWith(fault.pathPrefix ?? '/'))
        return false;
      return strike(exchange, fault);
    },
  };
}

async function strike(exchange: Exchange, fault: GitHubFault): Promise<boolean> {
  if (fault.slowMs) await delay(fault.slowMs, undefined, { signal: exchange.signal });
  if (fault.down) {
    exchange.response.destroy();
    return true;
  }
  if (fault.status === undefined) return false;
  const headers: Record<string, string> = {};
  if (fault.retryAfter !== undefined) headers['retry-after'] = String(fault.retryAfter);
  const message = fault.status === 429 ? 'You have exceeded a secondary rate limit.' : 'Server Error';
  sendJson(exchange, fault.status, { message, documentation_url: 'https://docs.github.com/rest' }, headers);
  return true;
}
