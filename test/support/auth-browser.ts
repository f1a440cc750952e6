/** A browser as far as sign-in goes: it keeps cookies, follows what it is told, and says where its requests come from. */
import type { FastifyInstance, LightMyRequestResponse } from 'fastify';
import type { StandIn } from '../../src/demo/stand-in.ts';

/** What a request has besides method and path. */
export interface BrowserRequest {
  headers?: Record<string, string>;
  body?: object;
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export class Browser {
  readonly cookies = new Map<string, string>();
  /** `Set-Cookie` lines, newest last. */
  readonly setCookies: string[] = [];
  readonly #app: FastifyInstance;
  readonly #standIn: StandIn;
  readonly #publicUrl: URL;

  constructor(app: FastifyInstance, standIn: StandIn, publicUrl: URL) {
    this.#app = app;
    this.#standIn = standIn;
    this.#publicUrl = publicUrl;
  }

  /** A request as it is, with the cookies of this browser. */
  async send(
    method: Method,
    path: string,
    { headers = {}, body }: BrowserRequest = {},
  ): Promise<LightMyRequestResponse> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await this.#app.inject({
      method,
      url: path,
      headers: {
        host: this.#publicUrl.host,
        'user-agent': 'Testfox/1.0',
        ...(cookie === '' ? {} : { cookie }),
        ...headers,
      },
      ...(body === undefined ? {} : { payload: body }),
    });
    this.#keep(response);
    return response;
  }

  /** What the page's own script does. */
  api(method: Method, path: string, request: BrowserRequest = {}): Promise<LightMyRequestResponse> {
    const headers = { accept: 'application/json', 'sec-fetch-mode': 'cors', 'sec-fetch-site': 'same-origin' };
    return this.send(method, path, { ...request, headers: { ...headers, ...request.headers } });
  }

  /** What typing an address or following a link does. */
  open(path: string, request: BrowserRequest = {}): Promise<LightMyRequestResponse> {
    const headers = {
      accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
      'sec-fetch-site': 'cross-site',
    };
    return this.send('GET', path, { ...request, headers: { ...headers, ...request.headers } });
  }

  /** Starts a sign-in and plays it at GitHub. @returns path and query of the callback, not yet followed */
  async toCallback(login: string, returnTo?: string, decision: 'allow' | 'deny' = 'allow'): Promise<string> {
    const query = returnTo === undefined ? '' : `?returnTo=${encodeURIComponent(returnTo)}`;
    const started = await this.open(`/auth/github${query}`);
    const callback = new URL(await this.#standIn.authorize(String(started.headers.location), login, decision));
    return `${callback.pathname}${callback.search}`;
  }

  /** The whole way. @returns the answer to the callback */
  async signIn(login: string, returnTo?: string): Promise<LightMyRequestResponse> {
    return this.open(await this.toCallback(login, returnTo));
  }

  #keep(response: LightMyRequestResponse): void {
    for (const line of [response.headers['set-cookie'] ?? []].flat()) {
      this.setCookies.push(line);
      const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
      const at = pair.indexOf('=');
      const gone = attributes.some((text) => /^(max-age=0|expires=Thu, 01 Jan 1970)/i.test(text));
      if (gone) this.cookies.delete(pair.slice(0, at));
      else this.cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
  }
}
