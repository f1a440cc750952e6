/**
 * GitHub's authorization code flow by `@fastify/oauth2`, without its cookies. 8.3.0 keeps state and PKCE verifier in two
 * unsigned cookies that anyone who can write a cookie can plant (D3); here it is handed a jar in place of the browser's,
 * and what it puts there is kept on our side.
 */
import oauth2, { type OAuth2Namespace } from '@fastify/oauth2';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { Clock } from './auth-logger.ts';
import type { GitHubTokens } from './credential-vault.ts';
import { GITHUB_DEADLINE_MS } from './github-client.ts';
import { noToken } from './sign-in-errors.ts';
import { readTokenAnswer } from './token-answer.ts';

/** What GitHub must echo, what proves that it is us, and where the browser goes for it. */
export interface StartedFlow {
  readonly url: string;
  readonly state: string;
  readonly verifier: string;
}

/** How the flow is set up. */
export interface CodeFlowOptions {
  readonly github: Config['github'];
  readonly publicUrl: URL;
  readonly clock: Clock;
  /** For the exchange, in milliseconds. Default 10 000. */
  readonly deadlineMs: number | undefined;
}

export const CALLBACK_PATH = '/auth/github/callback';
const STATE = 'state';
const VERIFIER = 'verifier';

/** Starts flows and redeems their codes. */
export class CodeFlow {
  readonly #oauth: OAuth2Namespace;
  readonly #clock: Clock;
  readonly #deadlineMs: number;

  private constructor(oauth: OAuth2Namespace, clock: Clock, deadlineMs: number) {
    this.#oauth = oauth;
    this.#clock = clock;
    this.#deadlineMs = deadlineMs;
  }

  /** Sets the plugin up in `scope`. */
  static async register(scope: FastifyInstance, options: CodeFlowOptions): Promise<CodeFlow> {
    const { github, publicUrl, clock, deadlineMs = GITHUB_DEADLINE_MS } = options;
    const host = new URL(github.url).origin;
    await scope.register(oauth2, {
      name: 'githubOAuth2',
      // Private memberships are seen only with read:org. GitHub Apps have permissions and ignore scopes.
      scope: github.allowedOrgs.length > 0 ? ['read:user', 'read:org'] : ['read:user'],
      pkce: 'S256',
      credentials: {
        client: { id: github.clientId, secret: github.clientSecret },
        auth: {
          authorizeHost: host,
          authorizePath: '/login/oauth/authorize',
          tokenHost: host,
          tokenPath: '/login/oauth/access_token',
        },
        options: { authorizationMethod: 'body' },
        // Each of the two waits (answer, body) may take that long; the whole is cut in `redeem` (D4).
        http: { timeout: deadlineMs, maxBytes: 64 * 1024 },
      },
      // From PUBLIC_URL alone: no forwarded header can lead the code elsewhere.
      callbackUri: new URL(CALLBACK_PATH, publicUrl).href,
      redirectStateCookieName: STATE,
      verifierCookieName: VERIFIER,
    });
    const namespace = (scope as FastifyInstance & { githubOAuth2: OAuth2Namespace }).githubOAuth2;
    return new CodeFlow(namespace, clock, deadlineMs);
  }

  async start(request: FastifyRequest): Promise<StartedFlow> {
    const jar = new Map<string, string>();
    const url = await this.#oauth.generateAuthorizationUri(request, replyWith(jar));
    const [state, verifier] = [jar.get(STATE), jar.get(VERIFIER)];
    if (!state || !verifier) throw new Error('@fastify/oauth2 made no state or no verifier');
    return { url, state, verifier };
  }

  /**
   * Exchanges a code whose state was found and used up by the caller.
   * @throws GatewayError `sign_in_failed`, `github_unavailable`
   */
  async redeem(code: string, { state, verifier }: Pick<StartedFlow, 'state' | 'verifier'>): Promise<GitHubTokens> {
    const request = { query: { code, state }, cookies: { [STATE]: state, [VERIFIER]: verifier } };
    const exchange = this.#oauth
      .getAccessTokenFromAuthorizationCodeFlow(request as unknown as FastifyRequest)
      .catch((error: unknown): never => {
        throw exchangeError(error);
      });
    const { token } = await beforeDeadline(exchange, this.#deadlineMs);
    const answer = readTokenAnswer(token, this.#clock());
    if (answer.kind === 'refused') throw noToken(answer.error);
    return answer.tokens;
  }
}

/** A reply that lets the plugin set cookies into `jar` and knows nothing else. */
function replyWith(jar: Map<string, string>): FastifyReply {
  return { setCookie: (name: string, value: string) => jar.set(name, value) } as unknown as FastifyReply;
}

/** The plugin's errors carry the request with code, verifier and client secret: only a status survives of them. */
function exchangeError(error: unknown): GatewayError {
  const status = responseStatus(error);
  if (status !== null && status >= 400 && status < 500 && status !== 429 && status !== 408) {
    return noToken(`http_${status}`);
  }
  return unavailable(status === null ? 'no answer' : `HTTP ${status}`);
}

function responseStatus(error: unknown): number | null {
  if (typeof error !== 'object' || error === null || !('data' in error)) return null;
  const data = error.data;
  if (typeof data !== 'object' || data === null || !('isResponseError' in data) || !('res' in data)) return null;
  const response = data.res;
  if (typeof response !== 'object' || response === null || !('statusCode' in response)) return null;
  return typeof response.statusCode === 'number' ? response.statusCode : null;
}

async function beforeDeadline<T>(promise: Promise<T>, deadlineMs: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(unavailable('no answer in time')), deadlineMs);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
    // When the deadline came first, the exchange fails later and nobody is left to hear it.
    promise.catch(() => undefined);
  }
}

function unavailable(reason: string): GatewayError {
  return new GatewayError('github_unavailable', 'GitHub could not be reached. Try again in a moment.', {
    cause: new Error(`POST /login/oauth/access_token: ${reason}`),
  });
}
