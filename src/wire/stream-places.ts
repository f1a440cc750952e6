/** How many streams one person may have open: each holds a connection, a timer and what the reader has not yet taken. */
import type { ServerResponse } from 'node:http';
import { GatewayError } from '../errors.ts';

/** Seconds a caller is told to wait. */
const RETRY_SECONDS = 5;

/** The streams of an instance, by person. */
export class StreamPlaces {
  readonly #most: number;
  readonly #taken = new Map<string, number>();

  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Takes a place until `response` is over, whatever becomes of it.
   * @throws GatewayError `rate_limited` where none is free
   */
  take(owner: string, response: ServerResponse): void {
    // Who is gone already is never heard of again: there would be no end to the place.
    if (response.destroyed || response.writableFinished) return;
    const taken = this.#taken.get(owner) ?? 0;
    if (taken >= this.#most) {
      throw new GatewayError('rate_limited', `You have ${taken} streams open, as many as you may. Close one.`, {
        retryAfter: RETRY_SECONDS,
      });
    }
    this.#taken.set(owner, taken + 1);
    response.once('close', () => this.#leave(owner));
  }

  #leave(owner: string): void {
    const left = (this.#taken.get(owner) ?? 1) - 1;
    if (left > 0) this.#taken.set(owner, left);
    else this.#taken.delete(owner);
  }
}
