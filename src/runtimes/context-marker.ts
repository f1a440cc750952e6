/**
 * A note beside a runtime session's files: under which version of our history it was last used, where, and by which
 * opening. It tells a warm session that another instance has gone on without it.
 */
import type { SessionFileRepository } from '../session-files.ts';

const PATH = '/gateway/context.json';

/** What is noted at every opening of a runtime session. */
export interface ContextMarker {
  readonly contextVersion: number;
  /** The server that keeps the state; null: our store does. */
  readonly server: string | null;
  /** Unique for this opening. */
  readonly opening: string;
}

/** The note; null: never opened, or unreadable, which comes to the same: the session is built anew. */
export async function readMarker(files: SessionFileRepository, sessionId: string): Promise<ContextMarker | null> {
  const text = await files.read(sessionId, PATH);
  return text === null ? null : parseMarker(text);
}

export async function writeMarker(
  files: SessionFileRepository,
  sessionId: string,
  marker: ContextMarker,
  now: number,
): Promise<void> {
  await files.write(sessionId, PATH, JSON.stringify(marker), now);
}

/**
 * From now on the session is in doubt: whoever opens it next builds it from our history. A note that another opening has
 * written since stays.
 */
export async function removeMarker(files: SessionFileRepository, sessionId: string, opening: string): Promise<void> {
  const marker = await readMarker(files, sessionId);
  if (marker?.opening === opening) await files.remove(sessionId, PATH);
}

/** For so long an opening that was the last one is taken to be it still, in milliseconds; far below a dead owner's silence. */
const CONFIRMED_MS = 5_000;

/**
 * The right of one opening to write the session's files. An instance that stood still (SIGSTOP, a frozen machine) wakes up
 * with a runtime that goes on writing, while another instance has opened the session: what it wrote would mix with that.
 */
export class WriteRight {
  readonly #files: SessionFileRepository;
  readonly #sessionId: string;
  readonly #opening: string;
  readonly #clock: () => number;
  /** Null: the opening is under way, and its note not written. */
  #confirmedAt: number | null = null;

  constructor(files: SessionFileRepository, sessionId: string, opening: string, clock: () => number) {
    this.#files = files;
    this.#sessionId = sessionId;
    this.#opening = opening;
    this.#clock = clock;
  }

  /** The note of this opening is written. */
  begin(): void {
    this.#confirmedAt = this.#clock();
  }

  /** @throws Error when another opening has taken this one's place */
  readonly confirm = async (): Promise<void> => {
    if (this.#confirmedAt === null || Math.abs(this.#clock() - this.#confirmedAt) < CONFIRMED_MS) return;
    const marker = await readMarker(this.#files, this.#sessionId);
    if (marker?.opening !== this.#opening) throw new Error('The session was opened elsewhere');
    this.#confirmedAt = this.#clock();
  };
}

function parseMarker(text: string): ContextMarker | null {
  try {
    const value = JSON.parse(text) as Partial<ContextMarker>;
    if (typeof value.contextVersion !== 'number' || typeof value.opening !== 'string') return null;
    return { contextVersion: value.contextVersion, server: value.server ?? null, opening: value.opening };
  } catch {
    return null; // torn or foreign: rebuilt from our history
  }
}
