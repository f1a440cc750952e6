import type { Caller } from './callers.ts';
import { type Exchange, sendJson } from './exchange.ts';
import { describeUser, type GitHubApiSettings, sendError } from './github-replies.ts';
import { organizationId, RESTRICTED_ORG, SSO_ORG, type StandInPerson } from './people.ts';

/** Scopes one of which shows a person's organizations. */
const ORG_SCOPES = ['read:org', 'write:org', 'admin:org', 'user'];

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

/** `GET /user/orgs`. */
export function listOrgs(settings: GitHubApiSettings, exchange: Exchange, caller: Caller): void {
  if (mayReadOrgs(exchange, caller))
    sendPage(
      exchange,
      visibleOrgs(exchange, caller.person).map((org) => describeOrg(settings, org)),
    );
}

/** `GET /user/memberships/orgs`. */
export function listMemberships(settings: GitHubApiSettings, exchange: Exchange, caller: Caller): void {
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

/** `GET /user/memberships/orgs/:org`. */
export function showMembership(
  settings: GitHubApiSettings,
  exchange: Exchange,
  caller: Caller,
  { org = '' }: Record<string, string>,
): void {
  if (!mayReadOrgs(exchange, caller) || refusedByOrg(settings, exchange, caller.person, org)) return;
  if (!caller.person.orgs.includes(org)) sendError(exchange, 404, 'Not Found');
  else sendJson(exchange, 200, describeMembership(settings, caller.person, org));
}

/** `GET /orgs/:org/members/:login`. 204: a member; 404: not; 302 to the public members where the caller is not one. */
export function checkMember(
  settings: GitHubApiSettings,
  exchange: Exchange,
  caller: Caller,
  { org = '', login = '' }: Record<string, string>,
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
