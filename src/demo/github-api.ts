import { type Exchange, type Handler, type Route, send, sendJson } from './exchange.ts';
import { readBasic } from './github-oauth.ts';
import { parseObject } from './json.ts';
import { avatarSvg, organizationId, RESTRICTED_ORG, SSO_ORG, type StandInPerson } from './people.ts';
import type { TokenGrant, TokenLedger } from './tokens.ts';

/** What the REST routes need to know. */
export interface GitHubApiSettings {
  clientId: string;
  clientSecret: string;
  people: readonly StandInPerson[];
  tokens: TokenLedger;
  /** The stand-in's own URL; called late because the port is not known at first. */
  origin: () => string;
}

/** A request whose token is live. */
interface Caller {
  person: StandInPerson;
  grant: TokenGrant;
}

type CallerHandler = (exchange: Exchange, caller: Caller, params: Record<string, string>) => void;

const DOCS = 'https://docs.github.com/rest';
const RATE_LIMIT = 5000;
/** Scopes one of which shows a person's organizations. */
const ORG_SCOPES = ['read:org', 'write:org', 'admin:org', 'user'];

/** Routes of GitHub's REST API. */
export function githubApiRoutes(settings: GitHubApiSettings): Route[] {
  const calls = new Map<string, number>();
  const signedIn =
    (handler: CallerHandler): Handler =>
    (exchange, params) => {
      const grant = settings.tokens.find(exchange.token);
      const person = settings.people.find((candidate) => candidate.login === grant?.login);
      setRateHeaders(exchange, calls);
      if (!grant || !person) {
        const message = exchange.token === null ? 'Requires authentication' : 'Bad credentials';
        return sendError(exchange, 401, message);
      }
      // A GitHub App's token has permissions, not scopes: the header is there, and empty.
      exchange.response.setHeader('x-oauth-scopes', grant.refreshToken ? '' : grant.scopes.join(', '));
      exchange.response.setHeader('x-oauth-client-id', grant.clientId);
      handler(exchange, { person, grant }, params);
    };
  return [
    ['GET', '/user', signedIn((exchange, { person }) => sendJson(exchange, 200, describeUser(settings, person)))],
    ['GET', '/user/emails', signedIn(listEmails)],
    ['GET', '/user/orgs', signedIn((exchange, caller) => listOrgs(settings, exchange, caller))],
    ['GET', '/user/memberships/orgs', signedIn((exchange, caller) => listMemberships(settings, exchange, caller))],
    [
      'GET',
      '/user/memberships/orgs/:org',
      signedIn((exchange, caller, { org }) => showMembership(settings, exchange, caller, org ?? '')),
    ],
    [
      'GET',
      '/orgs/:org/members/:login',
      signedIn((exchange, caller, { org, login }) => checkMember(settings, exchange, caller, org ?? '', login ?? '')),
    ],
    ['DELETE', '/applications/:clientId/token', (exchange, params) => endToken(settings, exchange, params, false)],
    ['DELETE', '/applications/:clientId/grant', (exchange, params) => endToken(settings, exchange, params, true)],
    ['POST', '/applications/:clientId/token', (exchange, params) => checkToken(settings, exchange, params)],
    ['GET', '/avatars/:id', (exchange, { id }) => showAvatar(settings, exchange, Number(id))],
  ];
}

function sendError(exchange: Exchange, status: number, message: string, headers: Record<string, string> = {}): void {
  sendJson(exchange, status, { message, documentation_url: DOCS, status: String(status) }, headers);
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

function describeUser(settings: GitHubApiSettings, person: StandInPerson): Record<string, unknown> {
  const origin = settings.origin();
  return {
    login: person.login,
    id: person.id,
    node_id: Buffer.from(`04:User${person.id}`).toString('base64'),
    avatar_url: new URL(person.avatarUrl, origin).href,
    url: `${origin}/users/${person.login}`,
    html_url: `${origin}/${person.login}`,
    type: 'User',
    user_view_type: 'public',
    site_admin: false,
    name: person.name,
    company: null,
    email: null,
    bio: null,
    created_at: '2020-01-01T00:00:00Z',
    updated_at: '2026-01-01T00:00:00Z',
  };
}

function describeOrg(settings: GitHubApiSettings, org: string): Record<string, unknown> {
  return { login: org, id: organizationId(org), url: `${settings.origin()}/orgs/${org}`, description: null };
}

function describeMembership(settings: GitHubApiSettings, person: StandInPerson, org: string): Record<string, unknown> {
  return {
    url: `${settings.origin()}/orgs/${org}/memberships/${person.login}`,
    state: 'active',
    role: 'member',
    organization_url: `${settings.origin()}/orgs/${org}`,
    organization: describeOrg(settings, org),
    user: describeUser(settings, person),
  };
}

function listEmails(exchange: Exchange, { person }: Caller): void {
  const email = `${person.login}@example.test`;
  sendJson(exchange, 200, [{ email, primary: true, verified: true, visibility: 'private' }]);
}

function listOrgs(settings: GitHubApiSettings, exchange: Exchange, caller: Caller): void {
  if (mayReadOrgs(exchange, caller))
    sendPage(
      exchange,
      visibleOrgs(exchange, caller.person).map((org) => describeOrg(settings, org)),
    );
}

function listMemberships(settings: GitHubApiSettings, exchange: Exchange, caller: Caller): void {
  if (!mayReadOrgs(exchange, caller)) return;
  const orgs = visibleOrgs(exchange, caller.person);
  sendPage(
    exchange,
    orgs.map((org) => describeMembership(settings, caller.person, org)),
  );
}

/** Lists leave out what the token may not see: with a hint for SSO, without a word for restricted organizations. */
function visibleOrgs(exchange: Exchange, person: StandInPerson): string[] {
  if (person.orgs.includes(SSO_ORG))
    exchange.response.setHeader('x-github-sso', `partial-results; organizations=${organizationId(SSO_ORG)}`);
  return person.orgs.filter((org) => org !== SSO_ORG && org !== RESTRICTED_ORG);
}

function mayReadOrgs(exchange: Exchange, { grant }: Caller): boolean {
  if (grant.refreshToken || grant.scopes.some((scope) => ORG_SCOPES.includes(scope))) return true;
  exchange.response.setHeader('x-accepted-oauth-scopes', 'admin:org, read:org, repo, user, write:org');
  sendError(exchange, 403, 'You need at least read:org scope or user scope to list your organizations.');
  return false;
}

/** GitHub pages every list: 30 a page, at most 100, the others behind `Link`. */
function sendPage(exchange: Exchange, items: unknown[]): void {
  const size = Math.min(100, Math.max(1, Number(exchange.query.get('per_page') ?? 30) || 30));
  const page = Math.max(1, Number(exchange.query.get('page') ?? 1) || 1);
  const headers: Record<string, string> = {};
  if (page * size < items.length) {
    const next = new URL(exchange.request.url ?? '/', `http://${exchange.request.headers.host}`);
    next.searchParams.set('page', String(page + 1));
    headers.link = `<${next.href}>; rel="next"`;
  }
  sendJson(exchange, 200, items.slice((page - 1) * size, page * size), headers);
}

function showMembership(settings: GitHubApiSettings, exchange: Exchange, caller: Caller, org: string): void {
  if (!mayReadOrgs(exchange, caller) || refusedByOrg(settings, exchange, caller.person, org)) return;
  if (!caller.person.orgs.includes(org)) return sendError(exchange, 404, 'Not Found');
  sendJson(exchange, 200, describeMembership(settings, caller.person, org));
}

/** 204: a member; 404: not; 302 to the public members where the caller is not one themselves. */
function checkMember(
  settings: GitHubApiSettings,
  exchange: Exchange,
  caller: Caller,
  org: string,
  login: string,
): void {
  if (refusedByOrg(settings, exchange, caller.person, org)) return;
  if (!caller.person.orgs.includes(org)) {
    const location = `${settings.origin()}/orgs/${org}/public_members/${login}`;
    exchange.response.writeHead(302, { location }).end();
    return;
  }
  const found = settings.people.some((person) => person.login === login && person.orgs.includes(org));
  if (found) exchange.response.writeHead(204).end();
  else sendError(exchange, 404, 'Not Found');
}

/** The two refusals that come from an organization's settings and not from the token. */
function refusedByOrg(settings: GitHubApiSettings, exchange: Exchange, person: StandInPerson, org: string): boolean {
  if (!person.orgs.includes(org)) return false;
  if (org === SSO_ORG) {
    const message =
      'Resource protected by organization SAML enforcement. You must grant your OAuth token access to this organization.';
    const url = `${settings.origin()}/orgs/${org}/sso?authorization_request=stand-in`;
    sendError(exchange, 403, message, { 'x-github-sso': `required; url=${url}` });
    return true;
  }
  if (org !== RESTRICTED_ORG) return false;
  const message = `Although you appear to have the correct authorization credentials, the \`${org}\` organization has enabled OAuth App access restrictions, meaning that data access to third-parties is limited. For more information on these restrictions, including how to enable this app, visit https://docs.github.com/articles/restricting-access-to-your-organization-s-data/`;
  sendError(exchange, 403, message);
  return true;
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
  const grant = settings.tokens.find(token);
  const person = settings.people.find((candidate) => candidate.login === grant?.login);
  if (!grant || !person) return;
  const app = { client_id: grant.clientId, name: 'Pilothouse', url: settings.origin() };
  sendJson(exchange, 200, { token, app, scopes: grant.scopes, user: describeUser(settings, person) });
}

function showAvatar(settings: GitHubApiSettings, exchange: Exchange, id: number): void {
  const person = settings.people.find((candidate) => candidate.id === id);
  if (!person) return sendError(exchange, 404, 'Not Found');
  send(exchange, 200, 'image/svg+xml', avatarSvg(person), { 'cross-origin-resource-policy': 'cross-origin' });
}
