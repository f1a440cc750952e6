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
  readonly #dirty = new Set<LiveTurn>();
  #timer: NodeJS.Timeout | null = null;

  constructor(store: Store, logger: Logger, clock: () => number) {
    this.#store = store;
    this.#logger = logger;
    this.#clock = clock;
  }

  /** `live` has frames that are not stored. */
  note(live: LiveTurn): void {
    this.#dirty.add(live);
    this.#timer ??= setTimeout(() => void this.#flush(), FLUSH_MS);
  }

  /** The turn ends: its last frames go with its end, in one transaction. */
  forget(live: LiveTurn): void {
    this.#dirty.delete(live);
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#dirty.clear();
  }

  async #flush(): Promise<void> {
    const turns = [...this.#dirty];
    this.#dirty.clear();
    for (const live of turns) if (!live.ending) await this.#write(live);
    this.#timer = null;
    if (this.#dirty.size > 0) this.#timer = setTimeout(() => void this.#flush(), FLUSH_MS);
  }

  async #write(live: LiveTurn): Promise<void> {
    const frames = live.unstored();
    if (frames.length === 0) return;
    try {
      live.writing = this.#store.turns.appendFrames(live.turn.id, live.turn.fence, frames, this.#clock());
      if (await live.writing) live.stored(frames);
      else live.fenceOff();
    } catch (error) {
      this.#logger.warn({ err: error, turnId: live.turn.id }, 'turn events could not be stored yet');
      if (!live.ending) this.#dirty.add(live);
    } finally {
      live.writing = null;
    }
  }
}
