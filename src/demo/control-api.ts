import type { StandIn } from './contract.ts';
import { type Exchange, type Route, sendJson } from './exchange.ts';
import { type Fault, type GitHubFault, parseFault } from './faults.ts';
import { isObject, parseObject } from './json.ts';
import type { StandInModel } from './models.ts';

/*
 * The stand-in's methods for tests in other processes.
 *   POST /_control  {"action":"issueToken","login":"mona"} → {"result":"gho_…"}
 *   GET  /_control/requests → {"requests":[…],"modelRequests":[…]}
 * Only JSON is taken: a web page cannot send that here without being asked first.
 */

type Action = (standIn: StandIn, input: Record<string, unknown>) => unknown;

const ACTIONS: Record<string, Action> = {
  issueToken: (standIn, { login }) => standIn.issueToken(text(login)),
  revokeToken: (standIn, { token }) => standIn.revokeToken(text(token)),
  revokeAllTokens: (standIn, { login }) => standIn.revokeAllTokens(text(login)),
  isTokenLive: (standIn, { token }) => standIn.isTokenLive(text(token)),
  setFault: (standIn, { fault }) =>
    standIn.setFault(typeof fault === 'string' ? parseFault(fault) : (fault as Fault | null)),
  setGitHubFault: (standIn, { fault }) => standIn.setGitHubFault(isObject(fault) ? (fault as GitHubFault) : null),
  setModels: (standIn, { login, models }) =>
    standIn.setModels(
      typeof login === 'string' ? login : null,
      Array.isArray(models) ? (models as StandInModel[]) : null,
    ),
};

/** Routes that steer a running stand-in. */
export function controlRoutes(standIn: StandIn): Route[] {
  return [
    ['POST', '/_control', (exchange) => act(standIn, exchange)],
    [
      'GET',
      '/_control/requests',
      (exchange) => sendJson(exchange, 200, { requests: standIn.requests, modelRequests: standIn.modelRequests }),
    ],
  ];
}

function act(standIn: StandIn, exchange: Exchange): void {
  const json = /^application\/json\b/i.test(exchange.request.headers['content-type'] ?? '');
  const input = json ? parseObject(exchange.body.toString('utf8')) : null;
  const action = ACTIONS[String(input?.action)];
  if (!input || !action) {
    sendJson(exchange, 400, { message: `One of ${Object.keys(ACTIONS).join(', ')}` });
    return;
  }
  try {
    sendJson(exchange, 200, { result: action(standIn, input) ?? null });
  } catch (error) {
    sendJson(exchange, 400, { message: error instanceof Error ? error.message : String(error) });
  }
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new Error('A string is missing');
  return value;
}
