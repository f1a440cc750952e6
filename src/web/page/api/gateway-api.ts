/** Every call of the public API that the page makes. */
import type { Retake } from '../model/retake.ts';
import type { HttpClient } from './http-client.ts';
import type {
  ApiToken,
  ChatView,
  Device,
  Me,
  MessageView,
  Model,
  NewApiToken,
  OutgoingMessage,
  Page,
  Quota,
  SearchHit,
  TurnView,
  UsageRow,
} from './shapes.ts';

export interface ChatFilter {
  archived?: boolean;
  pinned?: boolean;
}

export type ChatPatch = Partial<Pick<ChatView, 'title' | 'model' | 'pinned' | 'archived'>>;

export class GatewayApi {
  readonly #http: HttpClient;

  constructor(http: HttpClient) {
    this.#http = http;
  }

  me = (): Promise<Me> => this.#http.json('GET', '/api/me');
  signOut = (): Promise<void> => this.#http.json('POST', '/auth/logout');
  eraseMe = (): Promise<void> => this.#http.json('DELETE', '/api/me');
  devices = (): Promise<Page<Device>> => this.#http.json('GET', '/api/me/sessions?limit=100');
  endDevice = (id: string): Promise<void> => this.#http.json('DELETE', `/api/me/sessions/${enc(id)}`);
  signOutEverywhere = (): Promise<void> => this.#http.json('DELETE', '/api/me/sessions');
  tokens = (): Promise<Page<ApiToken>> => this.#http.json('GET', '/api/tokens?limit=100');
  createToken = (token: { name: string; expiresInDays: number; scopes: string[] }): Promise<NewApiToken> =>
    this.#http.json('POST', '/api/tokens', { body: token });
  deleteToken = (id: string): Promise<void> => this.#http.json('DELETE', `/api/tokens/${enc(id)}`);
  models = (): Promise<Page<Model>> => this.#http.json('GET', '/api/models');
  quota = (): Promise<Page<Quota>> => this.#http.json('GET', '/api/quota');
  usage = (): Promise<Page<UsageRow>> => this.#http.json('GET', '/api/usage?groupBy=model');

  chats(filter: ChatFilter, cursor: string | null, limit: number, signal: AbortSignal): Promise<Page<ChatView>> {
    const query = new URLSearchParams({ limit: String(limit) });
    if (filter.archived !== undefined) query.set('archived', String(filter.archived));
    if (filter.pinned !== undefined) query.set('pinned', String(filter.pinned));
    if (cursor !== null) query.set('cursor', cursor);
    return this.#http.json('GET', `/api/chats?${query}`, { signal });
  }

  search(q: string, cursor: string | null, limit: number, signal: AbortSignal): Promise<Page<SearchHit>> {
    const query = new URLSearchParams({ q, limit: String(limit) });
    if (cursor !== null) query.set('cursor', cursor);
    return this.#http.json('GET', `/api/search?${query}`, { signal });
  }

  chat = (id: string, signal: AbortSignal): Promise<ChatView> =>
    this.#http.json('GET', `/api/chats/${enc(id)}`, { signal });
  createChat = (model: string | null): Promise<ChatView> =>
    this.#http.json('POST', '/api/chats', { body: model === null ? {} : { model } });
  importChat = (file: unknown): Promise<ChatView> => this.#http.json('POST', '/api/chats/import', { body: file });
  forkChat = (id: string, messageId: string): Promise<ChatView> =>
    this.#http.json('POST', `/api/chats/${enc(id)}/fork`, { body: { messageId } });
  changeChat = (id: string, patch: ChatPatch): Promise<ChatView> =>
    this.#http.json('PATCH', `/api/chats/${enc(id)}`, { body: patch });
  deleteChat = (id: string, keepalive: boolean): Promise<void> =>
    this.#http.json('DELETE', `/api/chats/${enc(id)}`, { keepalive });

  /** Newest first. */
  messages(chatId: string, cursor: string | null, limit: number, signal: AbortSignal): Promise<Page<MessageView>> {
    const query = new URLSearchParams({ order: 'desc', limit: String(limit) });
    if (cursor !== null) query.set('cursor', cursor);
    return this.#http.json('GET', `/api/chats/${enc(chatId)}/messages?${query}`, { signal });
  }

  turn = (id: string, signal: AbortSignal): Promise<TurnView> =>
    this.#http.json('GET', `/api/turns/${enc(id)}`, { signal });
  cancelTurn = (id: string): Promise<TurnView> => this.#http.json('POST', `/api/turns/${enc(id)}/cancel`);

  /** Starts a turn and answers with its events. `key` makes a second try the same turn. */
  sendMessage(
    chatId: string,
    { content, attachments }: OutgoingMessage,
    { key, signal, retake }: { key: string; signal: AbortSignal; retake: Retake | null },
  ): Promise<Response> {
    const chat = `/api/chats/${enc(chatId)}`;
    const message = attachments.length === 0 ? { content } : { content, attachments: attachments.map(attachmentInput) };
    const [path, body] =
      retake === null
        ? [`${chat}/messages`, message]
        : retake.kind === 'edit'
          ? [`${chat}/messages/${enc(retake.questionId)}/edit`, message]
          : [`${chat}/regenerate`, { messageId: retake.answerId }];
    return this.#http.send('POST', path, {
      body,
      headers: { accept: 'text/event-stream, application/problem+json', 'idempotency-key': key },
      signal,
    });
  }

  turnEvents(turnId: string, lastEventId: string | null, signal: AbortSignal): Promise<Response> {
    return this.#http.send('GET', `/api/turns/${enc(turnId)}/events`, { headers: streamHeaders(lastEventId), signal });
  }

  userEvents(signal: AbortSignal): Promise<Response> {
    return this.#http.send('GET', '/api/events', { headers: streamHeaders(null), signal });
  }
}

/** A stored image without a name has null there, and is sent as it was. */
function attachmentInput({ type, mimeType, data, name }: OutgoingMessage['attachments'][number]) {
  return { type, mimeType, data, ...(name === null ? {} : { name }) };
}

function streamHeaders(lastEventId: string | null): Record<string, string> {
  return { accept: 'text/event-stream', ...(lastEventId === null ? {} : { 'last-event-id': lastEventId }) };
}

function enc(part: string): string {
  return encodeURIComponent(part);
}
