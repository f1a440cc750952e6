/**
 * Follows server-sent events over `fetch`: `EventSource` cannot POST, hides the status of a refusal and gives up for ever on
 * some. Comes back with Last-Event-ID after every break, until the last event was seen or the server says no.
 */
import { type ApiError, apiErrorOf } from './api-error.ts';
import { backoffMs } from './backoff.ts';
import { EventParser, type ServerEvent } from './event-parser.ts';

export interface FollowOptions {
  /** Asks for the stream after `lastEventId`. @throws ApiError */
  open: (lastEventId: string | null, signal: AbortSignal) => Promise<Response>;
  /** @returns true after the last one: nothing more will come */
  onEvent: (event: ServerEvent) => boolean;
  onConnection: (connection: Connection) => void;
  signal: AbortSignal;
  /** Where to go on. */
  after?: string | null;
  /** Settles early when trying at once makes sense: the network is back, the tab is looked at. */
  wake: (signal: AbortSignal) => Promise<void>;
}

export type Connection = 'connecting' | 'open' | 'reconnecting';

/** The server pings every 15 seconds: three missed ones mean that nobody is there. Milliseconds. */
const SILENCE_MS = 45_000;

/** How long a stream must have lasted for the next break to count as a new one, in milliseconds. */
const SETTLED_MS = 5_000;

/**
 * Resolves when the last event was seen, the server says 204 or `signal` aborts.
 * @throws ApiError when the server refuses for good: signed out, not found, not valid
 */
export async function followEvents(options: FollowOptions): Promise<void> {
  let lastEventId = options.after ?? null;
  options.onConnection('connecting');
  for (let attempt = 0; !options.signal.aborted; attempt += 1) {
    const startedAt = Date.now();
    let retryMs: number | null = null;
    try {
      const outcome = await readOnce(options, lastEventId, (event) => {
        lastEventId = event.id ?? lastEventId;
      });
      if (outcome === 'ended') return;
    } catch (error) {
      const problem = apiErrorOf(error);
      if (options.signal.aborted) return;
      if (problem !== null && isFinal(problem)) throw problem;
      retryMs = problem?.retryAfterMs ?? null;
    }
    if (options.signal.aborted) return;
    if (Date.now() - startedAt > SETTLED_MS) attempt = 0;
    options.onConnection('reconnecting');
    await pause(backoffMs(attempt, Math.random(), retryMs), options);
  }
}

async function readOnce(
  options: FollowOptions,
  lastEventId: string | null,
  note: (event: ServerEvent) => void,
): Promise<'ended' | 'broken'> {
  const silence = new AbortController();
  const onAbort = () => silence.abort(options.signal.reason);
  options.signal.addEventListener('abort', onAbort);
  const watchdog = new Watchdog(() => silence.abort(new DOMException('The stream fell silent', 'TimeoutError')));
  try {
    options.signal.throwIfAborted();
    const response = await options.open(lastEventId, silence.signal);
    if (response.status === 204 || response.body === null) return 'ended';
    options.onConnection('open');
    const parser = new EventParser();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      watchdog.alive();
      const { done, value } = await reader.read();
      if (done) return 'broken';
      for (const event of parser.push(value)) {
        note(event);
        if (!options.onEvent(event)) continue;
        // The server closes after the last event by itself; what it does then is of no interest.
        reader.cancel().catch(() => undefined);
        return 'ended';
      }
    }
  } finally {
    watchdog.stop();
    options.signal.removeEventListener('abort', onAbort);
    silence.abort();
  }
}

class Watchdog {
  readonly #bark: () => void;
  #timer: ReturnType<typeof setTimeout>;

  constructor(bark: () => void) {
    this.#bark = bark;
    this.#timer = setTimeout(bark, SILENCE_MS);
  }

  alive(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#bark, SILENCE_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

/** Asking again would get the same answer. */
function isFinal({ status }: ApiError): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 429;
}

/** Waits `ms`, or until `wake` or the signal ends the wait. */
export async function pause(ms: number, { wake, signal }: Pick<FollowOptions, 'wake' | 'signal'>): Promise<void> {
  const over = new AbortController();
  const end = () => over.abort();
  const timer = setTimeout(end, ms);
  signal.addEventListener('abort', end);
  void wake(over.signal).then(end);
  await new Promise<void>((resolve) => over.signal.addEventListener('abort', () => resolve(), { once: true }));
  clearTimeout(timer);
  signal.removeEventListener('abort', end);
}
