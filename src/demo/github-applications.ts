import { findCaller } from './callers.ts';
import { type Exchange, type Route, sendJson } from './exchange.ts';
import { readBasic } from './github-oauth.ts';
import { describeUser, type GitHubApiSettings, sendError } from './github-replies.ts';
import { parseObject } from './json.ts';

/** Routes with which an OAuth app looks after the tokens it was given; it signs in as itself. */
export function applicationRoutes(settings: GitHubApiSettings): Route[] {
  return [
    ['DELETE', '/applications/:clientId/token', (exchange, params) => endToken(settings, exchange, params, false)],
    ['DELETE', '/applications/:clientId/grant', (exchange, params) => endToken(settings, exchange, params, true)],
    ['POST', '/applications/:clientId/token', (exchange, params) => checkToken(settings, exchange, params)],
  ];
}

/** The token named in the body of an app's own request, or null after a refusal was sent. */
function readAppToken(settings: GitHubApiSettings, exchange: Exchange, params: Record<string, string>): string | null {
  const basic = readBasic(exchange);
  if (basic?.user !== settings.clientId || basic.password !== settings.clientSecret) {
    sendError(exchange, 401, 'Bad credentials');
    return null;
  }
  const token = parseObject(exchange.body.toString('utf8'))?.access_token;
  if (params.clientId !== settings.clientId) sendError(exchange, 404, 'Not Found');
  else if (typeof token !== 'string' || token === '') sendError(exchange, 422, 'Validation Failed');
  else if (!settings.tokens.find(token)) sendError(exchange, 404, 'Not Found');
  else return token;
  return null;
}

function endToken(
  settings: GitHubApiSettings,
  exchange: Exchange,
  params: Record<string, string>,
  wholeGrant: boolean,
): void {
  const token = readAppToken(settings, exchange, params);
  const grant = settings.tokens.find(token);
  if (!token || !grant) return;
  if (wholeGrant) settings.tokens.revokeAll(grant.login, grant.clientId);
  else settings.tokens.revoke(token);
  exchange.response.writeHead(204).end();
}

function checkToken(settings: GitHubApiSettings, exchange: Exchange, params: Record<string, string>): void {
  const token = readAppToken(settings, exchange, params);
  const caller = findCaller(settings, token);
  if (!caller) return;
  const { grant, person } = caller;
  const app = { client_id: grant.clientId, name: 'Pilothouse', url: settings.origin() };
  sendJson(exchange, 200, { token, app, scopes: grant.scopes, user: describeUser(settings, person) });
}
