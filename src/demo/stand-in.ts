import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { playBrowser } from './browser.ts';
import { controlRoutes } from './control-api.ts';
import { copilotApi } from './copilot-api.ts';
import { type Exchange, findRoute, type Route, readExchange, sendJson } from './exchange.ts';
import { type Fault, type GitHubFault, parseFault } from './faults.ts';
import { githubApiRoutes } from './github-api.ts';
import { oauthRoutes } from './github-oauth.ts';
import type { StandInModel } from './models.ts';
import { defaultPeople, type StandInPerson } from './people.ts';
import { type ModelRequest, RequestLog, type SeenRequest } from './request-log.ts';
import { TokenLedger } from './tokens.ts';

export type { Fault, GitHubFault, ModelRequest, SeenRequest, StandInModel, StandInPerson };
export { parseFault };

/** How the stand-in is to be. Everything has a default. */
export interface StandInOptions {
  /** Default `127.0.0.1`. */
  host?: string;
  /** Default 0: any free one. */
  port?: number;
  people?: StandInPerson[];
  clientId?: string;
  clientSecret?: string;
  /** Registered callback URLs. Default null: any loopback one. */
  redirectUris?: string[] | null;
  /** Time before the first delta and between deltas, in milliseconds. Default none. Above zero, answers are lively. */
  pace?: { firstTokenMs: number; tokenMs: number };
  /** `classic` (default): `gho_…` that do not expire. `expiring`: a GitHub App's `ghu_…` with single-use `ghr_…`. */
  tokens?: 'classic' | 'expiring';
  /** Lifetime of expiring access tokens. Default 28 800, GitHub's eight hours. */
  accessTokenSeconds?: number;
}

/** A running stand-in of GitHub and of Copilot's model API. */
export interface StandIn {
  /** Origin. */
  url: string;
  /** For GITHUB_URL. */
  githubUrl: string;
  /** For GITHUB_API_URL; the origin itself works as well. */
  githubApiUrl: string;
  /** For COPILOT_API_URL. */
  copilotApiUrl: string;
  /** For COPILOT_DEBUG_GITHUB_API_URL. */
  debugGitHubApiUrl: string;
  clientId: string;
  clientSecret: string;
  people: StandInPerson[];
  /** A live user token with the scopes `read:user read:org`, without the browser. */
  issueToken(login: string): string;
  revokeToken(token: string): void;
  revokeAllTokens(login: string): void;
  isTokenLive(token: string): boolean;
  /**
   * Plays the browser on the authorize page.
   * @returns the callback URL to which GitHub redirects
   * @throws Error if the page refuses the request or does not offer that person
   */
  authorize(authorizeUrl: string, login: string, decision?: 'allow' | 'deny'): Promise<string>;
  /** Chat completions that came, newest last; the newest 10 000, and 128 MiB of them at most. */
  modelRequests: ModelRequest[];
  /** Requests of any kind, newest last; the newest 10 000. */
  requests: SeenRequest[];
  /** Makes every model call go wrong so, until null is set. A directive in a prompt comes first. */
  setFault(fault: Fault | null): void;
  /** Makes GitHub (OAuth, REST, `copilot_internal`) go wrong so, until null is set. */
  setGitHubFault(fault: GitHubFault | null): void;
  /** A person's models, or everyone's (login null); models null: back to the default. */
  setModels(login: string | null, models: StandInModel[] | null): void;
  /** Ends open connections at once, then the listener. */
  close(): Promise<void>;
}

/** Starts a stand-in; it listens when the promise resolves. */
export async function startStandIn(options: StandInOptions = {}): Promise<StandIn> {
  const host = options.host ?? '127.0.0.1';
  const clientId = options.clientId ?? 'Iv1.stand-in-client';
  const clientSecret = options.clientSecret ?? 'stand-in-client-secret';
  const people = (options.people ?? defaultPeople()).map((person) => ({ ...person }));
  const tokens = new TokenLedger({
    kind: options.tokens ?? 'classic',
    accessTokenSeconds: options.accessTokenSeconds ?? 28_800,
  });
  const log = new RequestLog();
  const pace = options.pace ?? { firstTokenMs: 0, tokenMs: 0 };
  const redirectUris = options.redirectUris ?? null;
  let githubFault: GitHubFault | null = null;
  let url = '';
  const origin = (): string => url;

  const copilot = copilotApi({ people, tokens, log, pace, origin });
  const github: Route[] = [
    ...oauthRoutes({ clientId, clientSecret, redirectUris, people, tokens }),
    ...githubApiRoutes({ clientId, clientSecret, people, tokens, origin }),
  ];
  const routes: Route[] = [...github, ...copilot.routes];
  const server = createServer((request, response) => {
    readExchange(request, response)
      .then(async (exchange) => {
        if (!exchange.path.startsWith('/_control')) log.note(exchange);
        if (await githubFails(exchange, githubFault)) return;
        await serve(routes, exchange);
      })
      .catch((error: unknown) => {
        if (response.destroyed || response.closed) return; // the client left: nobody is there to be told
        console.error('stand-in:', error);
        response.destroy();
      });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, host, resolve);
  });
  const { port, family, address } = server.address() as AddressInfo;
  url = `http://${family === 'IPv6' ? `[${address}]` : host}:${port}`;
  for (const person of people) person.avatarUrl = new URL(person.avatarUrl, url).href;

  const standIn: StandIn = {
    url,
    githubUrl: url,
    githubApiUrl: `${url}/api/v3`,
    copilotApiUrl: url,
    debugGitHubApiUrl: url,
    clientId,
    clientSecret,
    people,
    issueToken: (login) => {
      if (!people.some((person) => person.login === login)) throw new Error(`There is no ${login} at the stand-in`);
      return tokens.issue(login, clientId, ['read:user', 'read:org']).accessToken;
    },
    revokeToken: (token) => void tokens.revoke(token),
    revokeAllTokens: (login) => tokens.revokeAll(login),
    isTokenLive: (token) => tokens.find(token) !== null,
    authorize: playBrowser,
    modelRequests: log.modelRequests,
    requests: log.requests,
    setFault: copilot.setFault,
    setGitHubFault: (fault) => {
      githubFault = fault;
    },
    setModels: copilot.setModels,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
  routes.push(...controlRoutes(standIn));
  return standIn;
}

async function serve(routes: readonly Route[], exchange: Exchange): Promise<void> {
  const found = findRoute(routes, exchange.method, exchange.path);
  if (found) await found.handler(exchange, found.params);
  else
    sendJson(exchange, 404, { message: 'Not Found', documentation_url: 'https://docs.github.com/rest', status: '404' });
}

/** Lets GitHub's fault happen to a request of its side. True: the request is done with. */
async function githubFails(exchange: Exchange, fault: GitHubFault | null): Promise<boolean> {
  const ofGitHub = /^\/(login|user|orgs|applications|copilot_internal)\b/.test(exchange.path);
  if (!fault || !ofGitHub || !exchange.path.startsWith(fault.pathPrefix ?? '/')) return false;
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
