import { createHash, timingSafeEqual } from 'node:crypto';
import { authorizePage, errorPage, PAGE_HEADERS, PAGE_STYLE } from './authorize-page.ts';
import { type Exchange, type Route, readFields, send, sendJson } from './exchange.ts';
import type { StandInPerson } from './people.ts';
import { redirectUriAllowed } from './redirect-uris.ts';
import { type IssuedToken, randomWord, type TokenLedger } from './tokens.ts';

/** What the OAuth routes need to know. */
export interface OAuthSettings {
  clientId: string;
  clientSecret: string;
  /** Registered callback URLs; null: any loopback one. */
  redirectUris: readonly string[] | null;
  people: readonly StandInPerson[];
  tokens: TokenLedger;
}

interface PendingCode {
  login: string;
  redirectUri: string;
  challenge: string | null;
  scopes: string[];
  expiresAt: number;
}

interface AuthorizeRequest {
  redirectUri: string;
  state: string | null;
  challenge: string | null;
  scopes: string[];
}

/** GitHub's codes live ten minutes. */
const CODE_LIFETIME_MS = 10 * 60 * 1000;
const TROUBLESHOOTING =
  'https://docs.github.com/apps/managing-oauth-apps/troubleshooting-oauth-app-access-token-request-errors';

/** GitHub reports these with status 200; a client that looks only at the status takes them for success. */
const TOKEN_ERRORS = {
  bad_verification_code: 'The code passed is incorrect or expired.',
  incorrect_client_credentials: 'The client_id and/or client_secret passed are incorrect.',
  redirect_uri_mismatch: 'The redirect_uri MUST match the registered callback URL for this application.',
  bad_refresh_token: 'The refresh token passed is incorrect or expired.',
  unsupported_grant_type: 'The grant_type passed is not supported.',
} as const;
type TokenError = keyof typeof TOKEN_ERRORS;

/** Routes of GitHub's web flow. */
export function oauthRoutes(settings: OAuthSettings): Route[] {
  const codes = new Map<string, PendingCode>();
  return [
    ['GET', '/login/oauth/style.css', (exchange) => send(exchange, 200, 'text/css; charset=utf-8', PAGE_STYLE)],
    ['GET', '/login/oauth/authorize', (exchange) => showPeople(settings, exchange)],
    ['GET', '/login/oauth/authorize/cancel', (exchange) => cancel(settings, exchange)],
    [
      'GET',
      '/login/oauth/authorize/as/:login',
      (exchange, { login }) => choose(settings, codes, exchange, login ?? ''),
    ],
    ['POST', '/login/oauth/access_token', (exchange) => answerTokenRequest(settings, codes, exchange)],
  ];
}

function showPeople(settings: OAuthSettings, exchange: Exchange): void {
  const request = readAuthorizeRequest(settings, exchange);
  if (!request) return;
  const html = authorizePage({
    people: settings.people,
    destination: new URL(request.redirectUri).host,
    scopes: request.scopes,
    query: exchange.query.toString(),
  });
  send(exchange, 200, 'text/html; charset=utf-8', html, PAGE_HEADERS);
}

function cancel(settings: OAuthSettings, exchange: Exchange): void {
  const request = readAuthorizeRequest(settings, exchange);
  if (!request) return;
  redirectBack(exchange, request, {
    error: 'access_denied',
    error_description: 'The user has denied your application access.',
    error_uri: `${TROUBLESHOOTING.replace('access-token-request', 'authorization-request')}/#access-denied`,
  });
}

function choose(settings: OAuthSettings, codes: Map<string, PendingCode>, exchange: Exchange, login: string): void {
  const request = readAuthorizeRequest(settings, exchange);
  if (!request) return;
  const person = settings.people.find((candidate) => candidate.login === login);
  if (!person) {
    refuse(exchange, 404, 'Nobody here', `There is no ${login} at this stand-in.`);
    return;
  }
  const code = randomWord(20).toLowerCase();
  const { redirectUri, challenge, scopes } = request;
  codes.set(code, { login, redirectUri, challenge, scopes, expiresAt: Date.now() + CODE_LIFETIME_MS });
  redirectBack(exchange, request, { code });
}

/** Checks an authorize request. What cannot be trusted with a redirect gets a page of ours, and null is returned. */
function readAuthorizeRequest(settings: OAuthSettings, exchange: Exchange): AuthorizeRequest | null {
  const { query } = exchange;
  if (query.get('client_id') !== settings.clientId) {
    refuse(exchange, 404, 'No such application', 'The client_id is not known here.');
    return null;
  }
  const redirectUri = query.get('redirect_uri') ?? settings.redirectUris?.[0] ?? '';
  if (!redirectUriAllowed(settings.redirectUris, redirectUri)) {
    refuse(exchange, 400, 'Be careful!', 'The redirect_uri is not associated with this application.');
    return null;
  }
  const challenge = query.get('code_challenge');
  const request: AuthorizeRequest = {
    redirectUri,
    challenge,
    state: query.get('state'),
    scopes: (query.get('scope') ?? '').split(/[\s,]+/).filter(Boolean),
  };
  if (challenge !== null && query.get('code_challenge_method') !== 'S256') {
    const error_description = 'The code_challenge_method must be S256.';
    redirectBack(exchange, request, { error: 'invalid_request', error_description });
    return null;
  }
  return request;
}

function refuse(exchange: Exchange, status: number, title: string, detail: string): void {
  send(exchange, status, 'text/html; charset=utf-8', errorPage(title, detail), PAGE_HEADERS);
}

function redirectBack(exchange: Exchange, request: AuthorizeRequest, fields: Record<string, string>): void {
  const target = new URL(request.redirectUri);
  for (const [name, value] of Object.entries(fields)) target.searchParams.set(name, value);
  if (request.state !== null) target.searchParams.set('state', request.state);
  exchange.response.writeHead(302, { location: target.href, 'cache-control': 'no-store' });
  exchange.response.end();
}

function answerTokenRequest(settings: OAuthSettings, codes: Map<string, PendingCode>, exchange: Exchange): void {
  const outcome = tokenOutcome(settings, codes, readTokenRequest(exchange), Date.now());
  const fields =
    typeof outcome === 'string'
      ? {
          error: outcome,
          error_description: TOKEN_ERRORS[outcome],
          error_uri: `${TROUBLESHOOTING}/#${outcome.replaceAll('_', '-')}`,
        }
      : tokenFields(outcome);
  if (/\bjson\b/i.test(exchange.request.headers.accept ?? '')) {
    sendJson(exchange, 200, fields);
    return;
  }
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) form.set(name, String(value));
  send(exchange, 200, 'application/x-www-form-urlencoded; charset=utf-8', form.toString());
}

/** Fields of the body, or of the query as GitHub also allows; credentials may come as Basic instead. */
function readTokenRequest(exchange: Exchange): Partial<Record<string, string>> {
  const body = Object.entries(readFields(exchange)).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  const fields: Record<string, string> = { ...Object.fromEntries(exchange.query), ...Object.fromEntries(body) };
  const basic = readBasic(exchange);
  return basic ? { ...fields, client_id: basic.user, client_secret: basic.password } : fields;
}

/** Credentials of `Authorization: Basic …`, form-decoded as RFC 6749 section 2.3.1 has it; null: none. */
export function readBasic(exchange: Exchange): { user: string; password: string } | null {
  const encoded = /^basic\s+(\S+)$/i.exec(exchange.request.headers.authorization ?? '')?.[1];
  if (!encoded) return null;
  const [user = '', ...rest] = Buffer.from(encoded, 'base64').toString('utf8').split(':');
  return { user: decodeURIComponent(user), password: decodeURIComponent(rest.join(':')) };
}

function tokenOutcome(
  settings: OAuthSettings,
  codes: Map<string, PendingCode>,
  fields: Partial<Record<string, string>>,
  now: number,
): IssuedToken | TokenError {
  if (fields.client_id !== settings.clientId || !sameText(fields.client_secret ?? '', settings.clientSecret))
    return 'incorrect_client_credentials';
  if (fields.grant_type === 'refresh_token')
    return settings.tokens.rotate(fields.refresh_token ?? '', settings.clientId, now) ?? 'bad_refresh_token';
  if (fields.grant_type !== undefined && fields.grant_type !== 'authorization_code') return 'unsupported_grant_type';
  const pending = codes.get(fields.code ?? '');
  codes.delete(fields.code ?? '');
  if (!pending || pending.expiresAt <= now) return 'bad_verification_code';
  if (fields.redirect_uri !== undefined && fields.redirect_uri !== pending.redirectUri) return 'redirect_uri_mismatch';
  if (!verifierFits(pending.challenge, fields.code_verifier)) return 'bad_verification_code';
  return settings.tokens.issue(pending.login, settings.clientId, pending.scopes, now);
}

/** RFC 7636 section 4.6. A verifier without a challenge is let pass, as GitHub does. */
function verifierFits(challenge: string | null, verifier: string | undefined): boolean {
  if (challenge === null) return true;
  return verifier !== undefined && sameText(createHash('sha256').update(verifier).digest('base64url'), challenge);
}

function sameText(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function tokenFields(issued: IssuedToken): Record<string, string | number> {
  const { accessToken, refresh } = issued;
  // A GitHub App's user token has permissions instead of scopes: the field is there, and empty.
  const scope = refresh ? '' : issued.scopes.join(',');
  const fields = { access_token: accessToken, token_type: 'bearer', scope };
  if (!refresh) return fields;
  return {
    ...fields,
    expires_in: refresh.accessExpiresInSeconds,
    refresh_token: refresh.token,
    refresh_token_expires_in: refresh.expiresInSeconds,
  };
}
