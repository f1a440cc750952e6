/**
 * Server-sent events over `reply.send(Readable)`: hooks, cookies and `inject` keep working. Pull-based: the source is asked
 * for the next frame only when the socket took the last one, so a slow reader costs no memory; one that takes nothing for
 * `stalledMs` is cut, and resumes from the log with `Last-Event-ID`. (@fastify/sse 0.6.0 suspends for ever there: D15.)
 */
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';

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
  /** What clients are told to wait before they come back. */
  retryMs: number;
}

const DEFAULTS: EventStreamOptions = { heartbeatMs: 15_000, stalledMs: 60_000, retryMs: 1_000 };

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
  readonly #open = new Set<EventStream>();
  readonly #options: EventStreamOptions;
  readonly #timer: NodeJS.Timeout;
  #closed = false;

  constructor(options: Partial<EventStreamOptions> = {}) {
    this.#options = { ...DEFAULTS, ...options };
    this.#timer = setInterval(() => this.#beat(Date.now()), Math.min(1_000, this.#options.heartbeatMs / 2));
    this.#timer.unref();
  }

  get size(): number {
    return this.#open.size;
  }

  /**
   * Answers with the frames of `source` until it ends. `source` gets a signal that aborts when the client goes away, when
   * `until` aborts (its right to listen ended) or when the instance shuts down.
   */
  send(
    reply: FastifyReply,
    source: (signal: AbortSignal) => AsyncIterable<SseFrame>,
    until?: AbortSignal,
  ): FastifyReply {
    const stream = new EventStream(source, this.#options, until);
    this.#open.add(stream);
    stream.once('close', () => this.#open.delete(stream));
    if (this.#closed) stream.finish();
    return reply
      .header('content-type', 'text/event-stream; charset=utf-8')
      .header('cache-control', 'no-cache, no-transform')
      .header('x-accel-buffering', 'no')
      .send(stream);
  }

  /** Ends every stream after telling clients when to come back. New ones end at once. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    for (const stream of this.#open) stream.finish();
  }

  #beat(now: number): void {
    for (const stream of this.#open) stream.beat(now);
  }
}

class EventStream extends Readable {
  readonly #abort = new AbortController();
  readonly #options: EventStreamOptions;
  readonly #frames: AsyncIterator<SseFrame>;
  #pulling = false;
  #wanted = false;
  #lastPush = Date.now();
  /** When the reader stopped taking; null: it takes. */
  #fullSince: number | null = null;

  constructor(
    source: (signal: AbortSignal) => AsyncIterable<SseFrame>,
    options: EventStreamOptions,
    until?: AbortSignal,
  ) {
    super({ highWaterMark: 64 * 1024, encoding: 'utf8' });
    this.#options = options;
    const signal = until === undefined ? this.#abort.signal : AbortSignal.any([this.#abort.signal, until]);
    this.#frames = source(signal)[Symbol.asyncIterator]();
    until?.addEventListener('abort', () => this.finish(), { once: true, signal: this.#abort.signal });
    // Headers and this line go out at once: the client knows it is connected before the first event.
    this.#push(`retry: ${options.retryMs}\n\n`);
  }

  override _read(): void {
    this.#fullSince = null;
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
    this.#abort.abort();
    if (!this.destroyed && !this.readableEnded) this.push(null);
  }

  beat(now: number): void {
    if (this.#fullSince !== null && now - this.#fullSince > this.#options.stalledMs) this.destroy();
    else if (this.#wanted && now - this.#lastPush >= this.#options.heartbeatMs) this.#push(': ping\n\n');
  }

  /** @returns whether the reader takes more */
  #push(text: string): boolean {
    this.#lastPush = Date.now();
    const takes = this.push(text);
    if (!takes) this.#fullSince ??= this.#lastPush;
    return takes;
  }

  async #pull(): Promise<void> {
    this.#pulling = true;
    try {
      while (this.#wanted && !this.destroyed) {
        const next = await this.#frames.next();
        if (this.destroyed || this.readableEnded || this.#abort.signal.aborted) return;
        if (next.done === true) {
          this.push(null);
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
