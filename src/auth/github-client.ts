/**
 * GitHub's API, as much of it as sign-in needs. Every call has a deadline and obeys the caller's signal; what cannot be
 * known because GitHub does not answer is `github_unavailable`, never a verdict about the person. No token, code or secret
 * is ever part of an error.
 */
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { Clock } from './auth-logger.ts';
import { type AnswerKind, answerKind, type GitHubAnswer } from './github-answers.ts';
import { readTokenAnswer, type TokenAnswer } from './token-answer.ts';

/** How long one call may take, in milliseconds. */
export const GITHUB_DEADLINE_MS = 10_000;

/** A person as GitHub tells us. `id` is the numeric id as decimal text: the only thing that never changes hands. */
export interface GitHubUser {
  readonly id: string;
  readonly login: string;
  readonly name: string | null;
  readonly avatarUrl: string | null;
}

/** How a person stands to an organization, or why that cannot be seen. */
export type Membership =
  | { readonly kind: 'member' }
  | { readonly kind: 'not_member' }
  | Extract<AnswerKind, { kind: 'sso_required' | 'app_restricted' | 'forbidden' }>;

/** GitHub no longer takes this access token. */
export class TokenRefused extends Error {
  constructor() {
    super('GitHub refused the access token.');
    this.name = 'TokenRefused';
  }
}

const UserShape = Type.Object({
  id: Type.Integer({ minimum: 1 }),
  login: Type.String({ minLength: 1, maxLength: 255 }),
  name: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  avatar_url: Type.Optional(Type.Union([Type.String(), Type.Null()])),
});

const MembershipShape = Type.Object({ state: Type.String() });

/** A thin client of one GitHub (github.com, ghe.com or a GitHub Enterprise Server) for one registered app. */
export class GitHubClient {
  readonly #github: Config['github'];
  readonly #clock: Clock;
  readonly #deadlineMs: number;

  constructor(github: Config['github'], clock: Clock, deadlineMs = GITHUB_DEADLINE_MS) {
    this.#github = github;
    this.#clock = clock;
    this.#deadlineMs = deadlineMs;
  }

  /** @throws TokenRefused, GatewayError `github_unavailable` */
  async user(token: string, signal: AbortSignal): Promise<GitHubUser> {
    const answer = await this.#api('GET', '/user', { authorization: `Bearer ${token}` }, signal);
    const outcome = answerKind(answer);
    if (outcome.kind === 'token_refused') throw new TokenRefused();
    if (outcome.kind !== 'ok' || !Value.Check(UserShape, answer.body)) throw unavailable('GET /user', answer);
    const { id, login, name, avatar_url } = answer.body;
    return { id: String(id), login, name: name ?? null, avatarUrl: avatar_url ?? null };
  }

  /** Asks as the person themselves, so that private memberships count. @throws TokenRefused, GatewayError `github_unavailable` */
  async membership(token: string, org: string, signal: AbortSignal): Promise<Membership> {
    const path = `/user/memberships/orgs/${encodeURIComponent(org)}`;
    const answer = await this.#api('GET', path, { authorization: `Bearer ${token}` }, signal);
    const outcome = answerKind(answer);
    switch (outcome.kind) {
      case 'ok':
        // `pending` is an invitation that was not accepted.
        if (!Value.Check(MembershipShape, answer.body)) throw unavailable(`GET ${path}`, answer);
        return { kind: answer.body.state === 'active' ? 'member' : 'not_member' };
      case 'not_found':
        return { kind: 'not_member' };
      case 'token_refused':
        throw new TokenRefused();
      case 'unavailable':
        throw unavailable(`GET ${path}`, answer, outcome.retryAfter);
      default:
        return outcome;
    }
  }

  /** Exchanges a refresh token, which is single-use. @throws GatewayError `github_unavailable` */
  async refresh(refreshToken: string, signal: AbortSignal): Promise<TokenAnswer> {
    const { clientId, clientSecret, url } = this.#github;
    const answer = await this.#call('POST', new URL('/login/oauth/access_token', url), signal, {
      headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        client_id: clientId,
        client_secret: clientSecret,
        grant_type: 'refresh_token',
        refresh_token: refreshToken,
      }).toString(),
    });
    // Failures of the grant come as 200 or 400 with `error`; without one, it is the service that failed.
    if (answer.body === null || (answer.status !== 200 && answer.status !== 400)) {
      throw unavailable('POST /login/oauth/access_token', answer);
    }
    return readTokenAnswer(answer.body, this.#clock());
  }

  /** Ends this token, or with `grant` every token of the person for this app. True: it is dead now, or was before. */
  async revoke(what: 'token' | 'grant', token: string, signal: AbortSignal): Promise<boolean> {
    const { clientId, clientSecret } = this.#github;
    const basic = Buffer.from(`${clientId}:${clientSecret}`).toString('base64');
    const path = `/applications/${encodeURIComponent(clientId)}/${what}`;
    const answer = await this.#api('DELETE', path, { authorization: `Basic ${basic}` }, signal, {
      access_token: token,
    });
    // 404 and 422: GitHub does not know the token any more.
    return answer.status === 204 || answer.status === 404 || answer.status === 422;
  }

  #api(
    method: string,
    path: string,
    headers: Record<string, string>,
    signal: AbortSignal,
    body?: unknown,
  ): Promise<GitHubAnswer> {
    return this.#call(method, new URL(`${this.#github.apiUrl}${path}`), signal, {
      headers: { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  async #call(
    method: string,
    url: URL,
    signal: AbortSignal,
    init: { headers: Record<string, string>; body?: string },
  ): Promise<GitHubAnswer> {
    try {
      const response = await fetch(url, {
        ...init,
        method,
        headers: { 'user-agent': 'pilothouse', ...init.headers },
        // A token goes to the configured host and nowhere else.
        redirect: 'error',
        signal: AbortSignal.any([signal, AbortSignal.timeout(this.#deadlineMs)]),
      });
      return { status: response.status, headers: response.headers, body: parseJson(await response.text()) };
    } catch (error) {
      signal.throwIfAborted();
      throw new GatewayError('github_unavailable', 'GitHub could not be reached. Try again in a moment.', {
        cause: new Error(`${method} ${url.pathname}: ${reasonOf(error)}`),
      });
    }
  }
}

function unavailable(call: string, answer: GitHubAnswer, retryAfter: number | null = null): GatewayError {
  return new GatewayError('github_unavailable', 'GitHub did not give a usable answer. Try again in a moment.', {
    cause: new Error(`${call}: HTTP ${answer.status}`),
    ...(retryAfter === null ? {} : { retryAfter }),
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // Told apart by the caller: no JSON where JSON belongs is no answer.
  }
}

/** fetch hides the reason (`ECONNREFUSED`, …) in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const cause = error.cause;
  if (cause instanceof Error) return 'code' in cause ? String(cause.code) : cause.message;
  return error.name === 'TimeoutError' ? 'no answer in time' : error.message;
}
