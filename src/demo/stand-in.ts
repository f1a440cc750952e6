import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { playBrowser } from './browser.ts';
import type { StandIn, StandInOptions } from './contract.ts';
import { controlRoutes } from './control-api.ts';
import { copilotApi } from './copilot-api.ts';
import { type Exchange, findRoute, type Route, readExchange, sendJson } from './exchange.ts';
import { type Fault, type GitHubFault, parseFault } from './faults.ts';
import { githubApiRoutes } from './github-api.ts';
import { type GitHubFaultSwitch, githubFaultSwitch } from './github-faults.ts';
import { oauthRoutes } from './github-oauth.ts';
import type { StandInModel } from './models.ts';
import { defaultPeople, type StandInPerson } from './people.ts';
import { type ModelRequest, RequestLog, type SeenRequest } from './request-log.ts';
import { TokenLedger } from './tokens.ts';

export type { Fault, GitHubFault, ModelRequest, SeenRequest, StandIn, StandInModel, StandInOptions, StandInPerson };
export { parseFault };

/** What the parts of a stand-in share. */
interface Parts {
  clientId: string;
  clientSecret: string;
  people: StandInPerson[];
  tokens: TokenLedger;
  log: RequestLog;
  /** Late, because the port is known only when it listens. */
  origin: () => string;
}

/** Starts a stand-in; it listens when the promise resolves. */
export async function startStandIn(options: StandInOptions = {}): Promise<StandIn> {
  let url = '';
  const parts: Parts = {
    clientId: options.clientId ?? 'Iv1.stand-in-client',
    clientSecret: options.clientSecret ?? 'stand-in-client-secret',
    people: (options.people ?? defaultPeople()).map((person) => ({ ...person })),
    tokens: new TokenLedger({
      kind: options.tokens ?? 'classic',
      accessTokenSeconds: options.accessTokenSeconds ?? 28_800,
    }),
    log: new RequestLog(),
    origin: () => url,
  };
  const copilot = copilotApi({ ...parts, pace: options.pace ?? { firstTokenMs: 0, tokenMs: 0 } });
  const githubFault = githubFaultSwitch();
  const routes: Route[] = [
    ...oauthRoutes({ ...parts, redirectUris: options.redirectUris ?? null }),
    ...githubApiRoutes(parts),
    ...copilot.routes,
  ];
  const server = serverOf(routes, parts, githubFault);
  url = await listen(server, options);
  for (const person of parts.people) person.avatarUrl = new URL(person.avatarUrl, url).href;
  const standIn: StandIn = {
    ...addresses(url),
    ...tokenMethods(parts),
    clientId: parts.clientId,
    clientSecret: parts.clientSecret,
    people: parts.people,
    authorize: playBrowser,
    modelRequests: parts.log.modelRequests,
    requests: parts.log.requests,
    setFault: copilot.setFault,
    setGitHubFault: githubFault.set,
    setModels: copilot.setModels,
    close: () => close(server),
  };
  routes.push(...controlRoutes(standIn));
  return standIn;
}

function addresses(url: string) {
  return { url, githubUrl: url, githubApiUrl: `${url}/api/v3`, copilotApiUrl: url, debugGitHubApiUrl: url };
}

function tokenMethods({ people, tokens, clientId }: Parts) {
  return {
    issueToken: (login: string): string => {
      if (!people.some((person) => person.login === login)) throw new Error(`There is no ${login} at the stand-in`);
      return tokens.issue(login, clientId, ['read:user', 'read:org']).accessToken;
    },
    revokeToken: (token: string): void => void tokens.revoke(token),
    revokeAllTokens: (login: string): void => tokens.revokeAll(login),
    isTokenLive: (token: string): boolean => tokens.find(token) !== null,
  };
}

function serverOf(routes: readonly Route[], { log, origin }: Parts, githubFault: GitHubFaultSwitch): Server {
  const server = createServer((request, response) => {
    readExchange(request, response)
      .then(async (exchange) => {
        if (isForeign(exchange, origin())) {
          log.noteForeign(exchange.request.url ?? '');
          sendJson(exchange, 403, { message: "The stand-in is nobody's way to another host" });
          return;
        }
        if (!exchange.path.startsWith('/_control')) log.note(exchange);
        if (!(await githubFault.strikes(exchange))) await answer(routes, exchange);
      })
      .catch((error: unknown) => {
        if (response.destroyed || response.closed) return; // the client left: nobody is there to be told
        console.error('stand-in:', error);
        response.destroy();
      });
  });
  // As HTTPS_PROXY of a runtime, the stand-in is the proof that nothing goes elsewhere: what tries is noted and refused.
  server.on('connect', (request, socket) => {
    log.noteForeign(request.url ?? '');
    socket.on('error', () => socket.destroy());
    socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n');
  });
  server.keepAliveTimeout = 60_000;
  return server;
}

/** Whether a client that takes us for its proxy wants another host. */
function isForeign({ request }: Exchange, origin: string): boolean {
  const target = URL.parse(request.url ?? '');
  return target !== null && target.port !== new URL(origin).port;
}

async function answer(routes: readonly Route[], exchange: Exchange): Promise<void> {
  const found = findRoute(routes, exchange.method, exchange.path);
  if (found) return found.handler(exchange, found.params);
  sendJson(exchange, 404, { message: 'Not Found', documentation_url: 'https://docs.github.com/rest', status: '404' });
}

async function listen(server: Server, options: StandInOptions): Promise<string> {
  const host = options.host ?? '127.0.0.1';
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}
