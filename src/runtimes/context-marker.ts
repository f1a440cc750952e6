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

/** From now on the session is in doubt: whoever opens it next builds it from our history. */
export async function removeMarker(files: SessionFileRepository, sessionId: string): Promise<void> {
  await files.remove(sessionId, PATH);
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
