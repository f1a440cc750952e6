/**
 * Carries live logs into the store in batches: one timer for all turns of an instance, each batch at most {@link FLUSH_MS}
 * behind what followers saw. A store that cannot write now is tried again at the next beat; nothing is dropped.
 */
import type { Logger } from 'pino';
import type { Store } from '../store/store.ts';
import type { LiveTurn } from './live-turn.ts';

/** How far the store may lie behind the live log, in milliseconds. */
const FLUSH_MS = 200;

export class FrameWriter {
  readonly #store: Store;
  readonly #logger: Logger;
  readonly #clock: () => number;
  readonly #stored: (turnId: string) => void;
  readonly #dirty = new Set<LiveTurn>();
  #timer: NodeJS.Timeout | null = null;
  #flushing = false;
  #closed = false;

  /** @param stored is told of every turn whose log has grown in the store */
  constructor(store: Store, logger: Logger, clock: () => number, stored: (turnId: string) => void) {
    this.#store = store;
    this.#logger = logger;
    this.#clock = clock;
    this.#stored = stored;
  }

  /** `live` has frames that are not stored. */
  note(live: LiveTurn): void {
    if (this.#closed) return;
    this.#dirty.add(live);
    this.#arm();
  }

  /** The turn ends: its last frames go with its end, in one transaction. */
  forget(live: LiveTurn): void {
    this.#dirty.delete(live);
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#dirty.clear();
  }

  #arm(): void {
    if (this.#closed || this.#flushing || this.#dirty.size === 0) return;
    this.#timer ??= setTimeout(() => void this.#flush(), FLUSH_MS);
  }

  /** All turns at once: the store commits what comes together in one go. */
  async #flush(): Promise<void> {
    this.#timer = null;
    this.#flushing = true;
    const turns = [...this.#dirty];
    this.#dirty.clear();
    await Promise.all(turns.map((live) => this.#write(live)));
    this.#flushing = false;
    this.#arm();
  }

  async #write(live: LiveTurn): Promise<void> {
    const frames = live.unstored();
    if (frames.length === 0 || live.ending) return;
    try {
      const writing = this.#store.turns.appendFrames(live.turn.id, live.turn.fence, frames, this.#clock());
      live.writing = writing;
      if (await writing) {
        live.stored(frames);
        this.#stored(live.turn.id);
      } else {
        live.fenceOff();
      }
    } catch (error) {
      this.#logger.warn({ err: error, turnId: live.turn.id }, 'turn events could not be stored yet');
      if (!live.ending) this.note(live);
    } finally {
      live.writing = null;
    }
  }
}
