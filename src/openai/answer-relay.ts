/**
 * What of an answer may be sent while it is written: nothing that could still turn out to begin a stop sequence, and
 * nothing past the limit. A stream cannot take back: when the model begins anew, what it says is compared with what was
 * sent, and goes on silently from there if it is the same. Pure but for its own state.
 */
import { GatewayError } from '../errors.ts';

/** How the answer is to be cut. */
export interface RelayOptions {
  readonly stop: readonly string[];
  /** In tokens; null: none. */
  readonly maxTokens: number | null;
  /** Whether what was handed out can be withdrawn: yes as long as the answer is sent in one piece. */
  readonly revocable: boolean;
}

/** Ordinary text has two to five bytes of UTF-8 to a token: an answer within its limit is never cut. */
const BYTES_PER_TOKEN = 6;

/** One answer. */
export class AnswerRelay {
  readonly #stop: readonly string[];
  readonly #maxBytes: number;
  readonly #revocable: boolean;
  #out: string[] = [];
  #bytes = 0;
  /** Could begin a stop sequence. */
  #held = '';
  /** What was sent before the model began anew and has not been said again. */
  #expected = '';
  #cut: 'stop' | 'length' | null = null;

  constructor({ stop, maxTokens, revocable }: RelayOptions) {
    this.#stop = stop.filter((sequence) => sequence !== '');
    this.#maxBytes = maxTokens === null ? Number.POSITIVE_INFINITY : maxTokens * BYTES_PER_TOKEN;
    this.#revocable = revocable;
  }

  /** Why the answer is complete though the model goes on; null: it is not. */
  get cut(): 'stop' | 'length' | null {
    return this.#cut;
  }

  /** The answer as far as it was handed out. */
  get text(): string {
    return this.#out.join('');
  }

  /**
   * Takes what the model said.
   * @returns what may be sent of it now
   * @throws GatewayError `upstream_failed` when it contradicts what was sent
   */
  add(text: string): string {
    if (this.#cut !== null) return '';
    const waiting = this.#held + text;
    const found = firstStop(waiting, this.#stop);
    const end = found ?? waiting.length - heldBack(waiting, this.#stop);
    this.#held = found === null ? waiting.slice(end) : '';
    if (found !== null) this.#cut = 'stop';
    return this.#release(waiting.slice(0, end));
  }

  /** The model began its answer anew. */
  reset(): void {
    if (this.#cut !== null) return;
    if (!this.#revocable) this.#expected = this.text;
    else this.#out = [];
    this.#held = '';
    this.#bytes = 0;
  }

  /**
   * The model has ended.
   * @returns what is left to send
   * @throws GatewayError `upstream_failed` when it said less than was sent
   */
  end(): string {
    const rest = this.#cut === null ? this.#release(this.#held) : '';
    this.#held = '';
    if (this.#expected.trim() !== '') throw contradiction();
    return rest;
  }

  #release(text: string): string {
    let fresh = text;
    const size = Buffer.byteLength(fresh);
    if (this.#bytes + size > this.#maxBytes) {
      this.#cut = 'length';
      fresh = firstBytes(fresh, this.#maxBytes - this.#bytes);
    }
    this.#bytes += size;
    const again = Math.min(fresh.length, this.#expected.length);
    if (!this.#expected.startsWith(fresh.slice(0, again))) throw contradiction();
    this.#expected = this.#expected.slice(again);
    fresh = fresh.slice(again);
    if (fresh !== '') this.#out.push(fresh);
    return fresh;
  }
}

function firstStop(text: string, stop: readonly string[]): number | null {
  const places = stop.map((sequence) => text.indexOf(sequence)).filter((place) => place >= 0);
  return places.length === 0 ? null : Math.min(...places);
}

/** Length of the longest end of `text` that begins a stop sequence. */
function heldBack(text: string, stop: readonly string[]): number {
  let longest = 0;
  for (const sequence of stop) {
    for (let length = Math.min(sequence.length - 1, text.length); length > longest; length -= 1) {
      if (text.endsWith(sequence.slice(0, length))) longest = length;
    }
  }
  return longest;
}

/** At most so many bytes of UTF-8, without half a character. */
function firstBytes(text: string, count: number): string {
  return new TextDecoder().decode(Buffer.from(text).subarray(0, count), { stream: true });
}

function contradiction(): GatewayError {
  return new GatewayError(
    'upstream_failed',
    'The model began its answer anew after part of it was sent, which a stream cannot take back. Ask again.',
  );
}
