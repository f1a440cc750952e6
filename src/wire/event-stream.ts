/**
 * Server-sent events over `reply.send(Readable)`: hooks, cookies and `inject` keep working. Pull-based: the source is asked
 * for the next frame only when the socket took the last one, so a slow reader costs no memory; one that takes nothing for
 * `stalledMs` is cut, and resumes from the log with `Last-Event-ID`. (@fastify/sse 0.6.0 suspends for ever there: D15.)
 */
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { StreamPlaces } from './stream-places.ts';

/** One SSE frame. `data` is one line of JSON, so nothing a model says can end a frame. */
export interface SseFrame {
  id: number | null;
  /** Null: none, as protocols have it whose frames are only data. */
  event: string | null;
  data: string;
}

/** How a stream behaves; milliseconds. */
export interface EventStreamOptions {
  heartbeatMs: number;
  stalledMs: number;
  /** What a reader has to take the last frames after we ended the stream; then it is cut. */
  partingMs: number;
  /** What clients are told to wait before they come back. */
  retryMs: number;
  /** Streams that one person may have open; a number, not a time. */
  perOwner: number;
}

const DEFAULTS: EventStreamOptions = {
  ...{ heartbeatMs: 15_000, stalledMs: 60_000, partingMs: 1_000, retryMs: 1_000 },
  perOwner: Number.POSITIVE_INFINITY,
};

/** The text of one frame. */
export function encodeFrame(frame: SseFrame): string {
  const id = frame.id === null ? '' : `id: ${frame.id}\n`;
  const event = frame.event === null ? '' : `event: ${frame.event}\n`;
  return `${id}${event}data: ${frame.data}\n\n`;
}

/**
 * All open streams of an instance: `app.close()` would wait for them for ever (D8), so whoever closes the app ends them
 * first. One timer serves them all.
 */
export class EventStreams {
  /** Each with the response it goes out by: it is open until the last byte is gone, not until the last frame was made. */
  readonly #open = new Map<EventStream, ServerResponse>();
  readonly #options: EventStreamOptions;
  readonly #places: StreamPlaces;
  readonly #timer: NodeJS.Timeout;
  #closed = false;

  constructor(options: Partial<EventStreamOptions> = {}) {
    this.#options = { ...DEFAULTS, ...options };
    this.#places = new StreamPlaces(this.#options.perOwner);
    this.#timer = setInterval(() => this.#beat(Date.now()), shortestBeat(this.#options));
    this.#timer.unref();
  }

  get size(): number {
    return this.#open.size;
  }

  /**
   * Takes one of `owner`'s places for this answer: before anything is done for it, so that a refusal has saved nothing.
   * @throws GatewayError `rate_limited`
   */
  admit(owner: string, reply: FastifyReply): void {
    this.#places.take(owner, reply.raw);
  }

  /**
   * Answers with the frames of `source` until it ends. `source` gets a signal that aborts when the client goes away, when
   * `until` aborts (its right to listen ended) or when the instance shuts down. The route must not answer HEAD: Fastify
   * would read the stream for nobody until it ends.
   */
  send(
    reply: FastifyReply,
    source: (signal: AbortSignal) => AsyncIterable<SseFrame>,
    until?: AbortSignal,
  ): FastifyReply {
    const stream = new EventStream(source, this.#options, until);
    if (reply.raw.destroyed) {
      // The client left before there was a stream: `close` has been told already and will not be again.
      stream.destroy();
      return reply.send('');
    }
    this.#open.set(stream, reply.raw);
    reply.raw.once('close', () => this.#forget(stream));
    if (this.#closed) stream.finish();
    return reply
      .header('content-type', 'text/event-stream; charset=utf-8')
      .header('cache-control', 'no-cache, no-transform')
      .header('x-accel-buffering', 'no')
      .send(stream);
  }

  /**
   * Ends every stream; clients were told at its start when to come back. New ones end at once. A reader that does not take
   * the rest is cut, so that closing the app never waits for one.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const stream of this.#open.keys()) stream.finish();
    if (this.#open.size === 0) clearInterval(this.#timer);
  }

  #forget(stream: EventStream): void {
    this.#open.delete(stream);
    stream.destroy();
    if (this.#closed && this.#open.size === 0) clearInterval(this.#timer);
  }

  #beat(now: number): void {
    for (const [stream, response] of this.#open) if (!stream.beat(now)) response.destroy();
  }
}

/** Often enough for the shortest of the limits; a second is often enough for any. */
function shortestBeat({ heartbeatMs, stalledMs, partingMs }: EventStreamOptions): number {
  return Math.min(1_000, heartbeatMs / 2, stalledMs / 2, partingMs / 2);
}

class EventStream extends Readable {
  readonly #abort = new AbortController();
  readonly #options: EventStreamOptions;
  readonly #frames: AsyncIterator<SseFrame>;
  #pulling = false;
  #wanted = false;
  #ended = false;
  #lastPush = Date.now();
  /** When a reader who takes nothing more is cut. */
  #cutAt = Number.POSITIVE_INFINITY;

  constructor(
    source: (signal: AbortSignal) => AsyncIterable<SseFrame>,
    options: EventStreamOptions,
    until?: AbortSignal,
  ) {
    super({ highWaterMark: 64 * 1024, encoding: 'utf8' });
    this.#options = options;
    this.#frames = source(this.#abort.signal)[Symbol.asyncIterator]();
    // Headers and this line go out at once: the client knows it is connected before the first event.
    this.#push(`retry: ${options.retryMs}\n\n`);
    if (until?.aborted) this.finish();
    else until?.addEventListener('abort', () => this.finish(), { once: true, signal: this.#abort.signal });
  }

  override _read(): void {
    this.#cutAt = Number.POSITIVE_INFINITY;
    this.#wanted = true;
    if (!this.#pulling) void this.#pull();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#abort.abort();
    // A generator waiting inside `next()` wakes by the signal; `return` lets its `finally` run.
    void Promise.resolve(this.#frames.return?.()).catch(() => undefined);
    done(error);
  }

  /** Ends the stream from our side. The client sees no terminal event and comes back. */
  finish(): void {
    this.#end(this.#options.partingMs);
    this.#abort.abort();
  }

  /** @returns false when the reader is to be cut */
  beat(now: number): boolean {
    if (now >= this.#cutAt) return false;
    if (!this.#ended && this.#wanted && now - this.#lastPush >= this.#options.heartbeatMs) this.#push(': ping\n\n');
    return true;
  }

  /** @returns whether the reader takes more */
  #push(text: string): boolean {
    this.#lastPush = Date.now();
    const takes = this.push(text);
    if (!takes) this.#cutWithin(this.#options.stalledMs);
    return takes;
  }

  #cutWithin(milliseconds: number): void {
    this.#cutAt = Math.min(this.#cutAt, Date.now() + milliseconds);
  }

  #end(milliseconds: number): void {
    this.#cutWithin(milliseconds);
    if (!this.#ended && !this.destroyed) this.push(null);
    this.#ended = true;
  }

  async #pull(): Promise<void> {
    this.#pulling = true;
    try {
      while (this.#wanted && !this.destroyed) {
        const next = await this.#frames.next();
        if (this.destroyed || this.#ended || this.#abort.signal.aborted) return;
        if (next.done === true) {
          this.#end(this.#options.stalledMs);
          return;
        }
        this.#wanted = this.#push(encodeFrame(next.value));
      }
    } catch (error) {
      if (!this.#abort.signal.aborted) this.destroy(error instanceof Error ? error : new Error(String(error)));
    } finally {
      this.#pulling = false;
    }
  }
}
