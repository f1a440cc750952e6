import type { Exchange } from './exchange.ts';

/** A chat completion that was asked for. */
export interface ModelRequest {
  /** Milliseconds since the epoch. */
  at: number;
  token: string;
  /** Whose token it was; null: nobody's, so it was refused. */
  login: string | null;
  model: string;
  messages: unknown[];
  stream: boolean;
  /** The client closed the connection before the end. */
  aborted: boolean;
  /** The body as it came. */
  raw: Record<string, unknown>;
}

/** Any request. */
export interface SeenRequest {
  method: string;
  /** Path and query as they came. */
  path: string;
  token: string | null;
  /** Milliseconds since the epoch. */
  at: number;
}

const REQUEST_LIMIT = 10_000;
/** Histories are sent whole with every turn, so that a long run would fill the memory with them. */
const MODEL_REQUEST_BYTES = 128 * 1024 * 1024;

/** What came, newest last, within bounds of count and size. */
export class RequestLog {
  readonly requests: SeenRequest[] = [];
  readonly modelRequests: ModelRequest[] = [];
  readonly #sizes: number[] = [];
  #bytes = 0;

  /** Notes any request. */
  note(exchange: Exchange): void {
    const { method, token, target } = exchange;
    this.#push({ method, path: target, token, at: Date.now() });
  }

  /** Notes that someone wanted another host from us as their proxy, as a request with the method CONNECT. */
  noteForeign(target: string): void {
    this.#push({ method: 'CONNECT', path: target, token: null, at: Date.now() });
  }

  /** Notes a chat completion; `bytes` is the size of its body. */
  noteModel(entry: ModelRequest, bytes: number): void {
    this.modelRequests.push(entry);
    this.#sizes.push(bytes);
    this.#bytes += bytes;
    while (this.modelRequests.length > REQUEST_LIMIT || this.#bytes > MODEL_REQUEST_BYTES) {
      this.modelRequests.shift();
      this.#bytes -= this.#sizes.shift() ?? 0;
    }
  }

  #push(request: SeenRequest): void {
    this.requests.push(request);
    if (this.requests.length > REQUEST_LIMIT) this.requests.shift();
  }
}
