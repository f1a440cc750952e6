/** A browser as far as HTTP goes: cookies, redirects by hand, same-origin headers. Also speaks JSON and SSE for tests. */
import type { StandIn } from '../../src/demo/stand-in.ts';

export interface Answer<Body = Record<string, never>> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
  readonly text: string;
}

export interface SseEvent {
  readonly id: number | null;
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read whatever the event carries
  readonly data: any;
}

export class Browser {
  readonly url: string;
  readonly cookies = new Map<string, string>();

  constructor(url: string) {
    this.url = url;
  }

  get cookieHeader(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  /** One request; cookies are sent and kept, redirects are answers. */
  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers({ 'sec-fetch-site': 'same-origin' });
    if (this.cookies.size > 0) headers.set('cookie', this.cookieHeader);
    for (const [name, value] of new Headers(init.headers)) headers.set(name, value);
    const response = await fetch(new URL(path, this.url), { redirect: 'manual', ...init, headers });
    for (const line of response.headers.getSetCookie()) this.#keep(line);
    return response;
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests read whatever the answer carries
  async call<Body = any>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<Body>> {
    const response = await this.fetch(path, {
      method,
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const json = /^application\/(\w+\+)?json\b/.test(response.headers.get('content-type') ?? '') && text !== '';
    return { status: response.status, headers: response.headers, text, body: (json ? JSON.parse(text) : {}) as Body };
  }

  get = (path: string, headers?: Record<string, string>) => this.call('GET', path, undefined, headers);
  post = (path: string, body?: unknown, headers?: Record<string, string>) => this.call('POST', path, body, headers);
  patch = (path: string, body?: unknown, headers?: Record<string, string>) => this.call('PATCH', path, body, headers);
  delete = (path: string, headers?: Record<string, string>) => this.call('DELETE', path, undefined, headers);

  /** Signs in through the real flow. @returns where the gateway led the browser afterwards */
  async signIn(standIn: StandIn, login: string, returnTo = '/'): Promise<string> {
    const start = await this.fetch(`/auth/github?returnTo=${encodeURIComponent(returnTo)}`);
    const callback = await standIn.authorize(start.headers.get('location') ?? '', login);
    const end = await this.fetch(callback, { headers: { accept: 'text/html' } });
    if (end.status !== 302) throw new Error(`sign-in ended with ${end.status}: ${await end.text()}`);
    return end.headers.get('location') ?? '';
  }

  /** Sends a message and yields its events as they come. */
  async *stream(path: string, init: RequestInit = {}): AsyncGenerator<SseEvent> {
    const response = await this.fetch(path, {
      ...init,
      headers: { accept: 'text/event-stream', ...(init.headers as Record<string, string>) },
    });
    if (response.status !== 200 || response.body === null)
      throw new Error(`${response.status}: ${await response.text()}`);
    yield* parseEvents(response.body);
  }

  say(
    chatId: string,
    content: string,
    extra: Record<string, unknown> = {},
    signal?: AbortSignal,
  ): AsyncGenerator<SseEvent> {
    return this.stream(`/api/chats/${chatId}/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ content, ...extra }),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  #keep(line: string): void {
    const [pair = '', ...attributes] = line.split(';');
    const [name = '', ...value] = pair.split('=');
    const gone = attributes.some((attribute) => /^\s*(max-age=0|expires=thu, 01 jan 1970)/i.test(attribute));
    if (gone || value.join('=') === '') this.cookies.delete(name.trim());
    else this.cookies.set(name.trim(), value.join('='));
  }
}

/** The frames of an event stream, comments left out. */
export async function* parseEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<SseEvent> {
  let rest = '';
  for await (const chunk of body.pipeThrough(
    new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>,
  )) {
    rest += chunk;
    for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
      const frame = parseFrame(rest.slice(0, end));
      rest = rest.slice(end + 2);
      if (frame !== null) yield frame;
    }
  }
}

function parseFrame(text: string): SseEvent | null {
  const fields = new Map(
    text.split('\n').map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trimStart()];
    }),
  );
  const event = fields.get('event');
  if (event === undefined) return null;
  const id = fields.get('id');
  return { id: id === undefined ? null : Number(id), event, data: JSON.parse(fields.get('data') ?? 'null') };
}

/** Everything of a stream, once it ended. */
export async function all<Item>(source: AsyncIterable<Item>): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of source) items.push(item);
  return items;
}
