import { type Caller, findCaller } from './callers.ts';
import { type Exchange, type Handler, type Route, send, sendJson } from './exchange.ts';
import { applicationRoutes } from './github-applications.ts';
import { checkMember, listMemberships, listOrgs, showMembership } from './github-orgs.ts';
import { describeUser, type GitHubApiSettings, sendError } from './github-replies.ts';
import { avatarSvg } from './people.ts';

type CallerHandler = (
  settings: GitHubApiSettings,
  exchange: Exchange,
  caller: Caller,
  params: Record<string, string>,
) => void;

/** Requests an hour, GitHub's figure for a user's token. */
const RATE_LIMIT = 5000;

/** Routes of GitHub's REST API. */
export function githubApiRoutes(settings: GitHubApiSettings): Route[] {
  const calls = new Map<string, number>();
  const signedIn =
    (handler: CallerHandler): Handler =>
    (exchange, params) => {
      setRateHeaders(exchange, calls);
      const caller = findCaller(settings, exchange.token);
      if (caller) {
        setScopeHeaders(exchange, caller);
        handler(settings, exchange, caller, params);
      } else {
        sendError(exchange, 401, exchange.token === null ? 'Requires authentication' : 'Bad credentials');
      }
    };
  return [
    ['GET', '/user', signedIn(showUser)],
    ['GET', '/user/emails', signedIn(listEmails)],
    ['GET', '/user/orgs', signedIn(listOrgs)],
    ['GET', '/user/memberships/orgs', signedIn(listMemberships)],
    ['GET', '/user/memberships/orgs/:org', signedIn(showMembership)],
    ['GET', '/orgs/:org/members/:login', signedIn(checkMember)],
    ...applicationRoutes(settings),
    ['GET', '/avatars/:id', (exchange, { id }) => showAvatar(settings, exchange, Number(id))],
  ];
}

function setScopeHeaders({ response }: Exchange, { grant }: Caller): void {
  // A GitHub App's token has permissions, not scopes: the header is there, and empty.
  response.setHeader('x-oauth-scopes', grant.refreshToken ? '' : grant.scopes.join(', '));
  response.setHeader('x-oauth-client-id', grant.clientId);
}

function setRateHeaders(exchange: Exchange, calls: Map<string, number>): void {
  const hour = Math.floor(Date.now() / 3_600_000);
  const key = `${hour} ${exchange.token ?? ''}`;
  const used = Math.min(RATE_LIMIT, (calls.get(key) ?? 0) + 1);
  calls.set(key, used);
  const { response } = exchange;
  response.setHeader('x-ratelimit-limit', RATE_LIMIT);
  response.setHeader('x-ratelimit-used', used);
  response.setHeader('x-ratelimit-remaining', RATE_LIMIT - used);
  response.setHeader('x-ratelimit-reset', (hour + 1) * 3600);
  response.setHeader('x-ratelimit-resource', 'core');
}

function showUser(settings: GitHubApiSettings, exchange: Exchange, { person }: Caller): void {
  sendJson(exchange, 200, describeUser(settings, person));
}

function listEmails(_settings: GitHubApiSettings, exchange: Exchange, { person }: Caller): void {
  const email = `${person.login}@example.test`;
  sendJson(exchange, 200, [{ email, primary: true, verified: true, visibility: 'private' }]);
}

function showAvatar(settings: GitHubApiSettings, exchange: Exchange, id: number): void {
  const person = settings.people.find((candidate) => candidate.id === id);
  if (!person) sendError(exchange, 404, 'Not Found');
  else send(exchange, 200, 'image/svg+xml', avatarSvg(person), { 'cross-origin-resource-policy': 'cross-origin' });
}
