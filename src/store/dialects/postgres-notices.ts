/**
 * Notices over LISTEN/NOTIFY, on one connection of this instance's own: it listens, it tells, and it is made again whenever
 * it breaks. What is told while a NOTIFY is under way goes together with the next one: a NOTIFY takes a lock of the whole
 * database at its commit, so a busy instance must not make one per notice.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import type { StoreLogger } from '../database.ts';
import type { NoticeBoard, NoticeListener } from '../notices.ts';

const CHANNEL = 'pilothouse_notices';
/** PostgreSQL refuses a payload of 8,000 bytes. */
const PAYLOAD_BYTES = 7_500;
/** Kept while the server is away; what is told beyond that is replaced by {@link MISSED}. */
const MOST_WAITING = 2_000;
/** Tells the others that notices of ours are missing. */
const MISSED = '?';
/** A connection that died without a word is noticed by this, ms. */
const PULSE_MS = 10_000;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2_000;

/** What the board is made of. */
export interface PostgresNoticesParts {
  /** A connection that is not connected yet. */
  readonly connection: () => pg.Client;
  readonly listener: NoticeListener;
  readonly logger: StoreLogger;
}

export class PostgresNotices implements NoticeBoard {
  readonly #parts: PostgresNoticesParts;
  /** Before each payload, so that an instance does not hear itself. */
  readonly #name = randomUUID();
  readonly #closing = new AbortController();
  readonly #left: Promise<'closed'>;
  readonly #living: Promise<void>;
  #client: pg.Client | null = null;
  /** In order; what is told twice before it was sent once is said once. */
  #waiting = new Set<string>();
  #sending: Promise<void> | null = null;

  constructor(parts: PostgresNoticesParts) {
    this.#parts = parts;
    const { signal } = this.#closing;
    this.#left = new Promise((resolve) => signal.addEventListener('abort', () => resolve('closed'), { once: true }));
    this.#living = this.#live();
  }

  tell(notice: string): void {
    if (this.#closing.signal.aborted) return;
    if (this.#waiting.size >= MOST_WAITING) this.#waiting = new Set([MISSED]);
    this.#waiting.add(notice);
    if (this.#client !== null) this.#sending ??= this.#send(this.#client);
  }

  async close(): Promise<void> {
    await this.#sending;
    this.#closing.abort();
    await this.#living;
  }

  /** Connects, stays until the connection breaks, and again, until closed. */
  async #live(): Promise<void> {
    const { logger, listener } = this.#parts;
    let retryMs = FIRST_RETRY_MS;
    for (let first = true; !this.#closing.signal.aborted; first = false) {
      const client = this.#parts.connection();
      const { promise: broken, resolve } = Promise.withResolvers<unknown>();
      client.on('error', resolve);
      client.on('end', () => resolve(new Error('The connection ended')));
      try {
        await this.#listen(client);
        if (!first) listener.missed();
        retryMs = FIRST_RETRY_MS;
        await this.#stay(client, broken);
      } catch (error) {
        logger.warn({ err: error }, 'the connection that hears of other instances is broken');
      }
      this.#client = null;
      await client.end().catch(() => undefined);
      await delay(retryMs, undefined, { signal: this.#closing.signal }).catch(() => undefined);
      retryMs = Math.min(LAST_RETRY_MS, retryMs * 2);
    }
  }

  async #listen(client: pg.Client): Promise<void> {
    client.on('notification', ({ payload }) => this.#hear(payload ?? ''));
    await client.connect();
    await client.query(`listen ${CHANNEL}`);
    this.#client = client;
    this.#sending ??= this.#send(client);
  }

  async #stay(client: pg.Client, broken: Promise<unknown>): Promise<void> {
    for (;;) {
      const timer = new AbortController();
      const pulse = delay(PULSE_MS, 'pulse' as const, { signal: timer.signal, ref: false }).catch(
        () => 'pulse' as const,
      );
      const what = await Promise.race([broken, this.#left, pulse]);
      timer.abort();
      if (what === 'closed') return;
      if (what !== 'pulse') throw what;
      await client.query('select 1');
    }
  }

  /** Until nothing waits or the connection fails: what was not taken then waits for the next one. */
  async #send(client: pg.Client): Promise<void> {
    // What is told in the same breath goes together.
    await Promise.resolve();
    let batch: string[] = [];
    try {
      while (this.#waiting.size > 0 && this.#client === client) {
        batch = this.#take();
        await client.query('select pg_notify($1, $2)', [CHANNEL, [this.#name, ...batch].join('\n')]);
      }
    } catch (error) {
      this.#waiting = new Set([...batch, ...this.#waiting]);
      this.#parts.logger.warn({ err: error }, 'other instances could not be told of a change yet');
    } finally {
      this.#sending = null;
    }
  }

  /** As much as goes into one payload. */
  #take(): string[] {
    const batch: string[] = [];
    let bytes = this.#name.length;
    for (const notice of this.#waiting) {
      bytes += Buffer.byteLength(notice) + 1;
      if (bytes > PAYLOAD_BYTES) break;
      batch.push(notice);
      this.#waiting.delete(notice);
    }
    return batch;
  }

  #hear(payload: string): void {
    const [from, ...notices] = payload.split('\n');
    if (from === this.#name) return;
    for (const notice of notices) {
      if (notice === MISSED) this.#parts.listener.missed();
      else this.#parts.listener.heard(notice);
    }
  }
}
