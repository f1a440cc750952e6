/** One message on its way to the gateway. However often it is tried, its Idempotency-Key makes it one message. */
import { ApiError, apiErrorOf } from '../api/api-error.ts';
import { backoffMs } from '../api/backoff.ts';
import { pause } from '../api/event-stream.ts';
import type { MessageView, OutgoingMessage } from '../api/shapes.ts';
import { whenWorthTrying } from './presence.ts';
import type { Retake } from './retake.ts';

/** Tries by ourselves before the person is asked. */
const TRIES = 6;

/** How long the gateway may take to accept a message, in milliseconds. It looks up models first, which takes 15 s at most. */
const ACCEPT_MS = 25_000;

export class SendAttempt {
  readonly message: OutgoingMessage;
  readonly key: string;
  /** What it takes the place of; null: it comes after everything. */
  readonly retake: Retake | null;
  readonly createdAt = new Date().toISOString();
  /** Why it was not taken; null: it is on its way. */
  error: ApiError | null = null;
  /** The gateway could not be reached; it is tried again. */
  waiting = false;
  stopRequested = false;
  readonly #onChange: () => void;
  #settled = Promise.withResolvers<void>();
  #controller = new AbortController();

  constructor(message: OutgoingMessage, key: string, retake: Retake | null, onChange: () => void) {
    this.message = message;
    this.key = key;
    this.retake = retake;
    this.#onChange = onChange;
  }

  /** Settles when it stands among the messages of its chat, or was given up for now. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  settle(): void {
    this.#settled.resolve();
  }

  abort(): void {
    this.#controller.abort();
  }

  /** @returns the turn it became, with its events; null: not taken, {@link error} says why */
  async submit(
    post: (key: string, message: OutgoingMessage, signal: AbortSignal) => Promise<Response>,
  ): Promise<{ turnId: string; response: Response } | null> {
    this.#settled = Promise.withResolvers<void>();
    this.error = null;
    this.#onChange();
    try {
      for (let attempt = 0; ; attempt += 1) {
        const outcome = await this.#once(post);
        if (!(outcome instanceof ApiError)) return outcome;
        if (!outcome.transient || attempt >= TRIES) {
          this.error = outcome;
          return null;
        }
        this.waiting = true;
        this.#onChange();
        const { signal } = this.#controller;
        await pause(backoffMs(attempt, Math.random(), outcome.retryAfterMs), { signal, wake: whenWorthTrying });
      }
    } finally {
      this.waiting = false;
      this.#onChange();
    }
  }

  async #once(
    post: (key: string, message: OutgoingMessage, signal: AbortSignal) => Promise<Response>,
  ): Promise<{ turnId: string; response: Response } | ApiError> {
    this.#controller = new AbortController();
    const late = new DOMException('The gateway did not take the message in time', 'TimeoutError');
    const timer = setTimeout(() => this.#controller.abort(late), ACCEPT_MS);
    try {
      const response = await post(this.key, this.message, this.#controller.signal);
      const turnId = response.headers.get('content-location')?.split('/').at(-1);
      if (turnId !== undefined) return { turnId, response };
      return new ApiError({ code: 'http', status: response.status, detail: 'The gateway did not name the turn.' });
    } catch (error) {
      return apiErrorOf(error) ?? new ApiError({ code: 'network', status: 0, detail: 'aborted' });
    } finally {
      clearTimeout(timer);
    }
  }

  /** How it looks among the others once it was taken. */
  asMessage(chatId: string, turnId: string, id: string): MessageView {
    const { content, attachments } = this.message;
    return {
      id,
      chatId,
      turnId,
      role: 'user',
      content,
      attachments: [...attachments],
      model: null,
      status: 'complete',
      createdAt: this.createdAt,
    };
  }
}
