/**
 * Hears what other instances ask of turns that run here: to stop, to take a message that joined, to let go. A signal makes it
 * look at once; where instances share a database it also looks by itself, so that a lost signal costs no more than a second.
 */
import type { Logger } from 'pino';
import type { Store, TurnStanding } from '../store/store.ts';
import type { LiveTurn } from './live-turn.ts';
import type { LiveTurns } from './live-turns.ts';

/** What watching needs. */
export interface TurnWatchDependencies {
  readonly store: Store;
  readonly live: LiveTurns;
  readonly logger: Logger;
}

/** Between two looks that nobody asked for, in milliseconds. */
const BEAT_MS = 900;

export class TurnWatch {
  readonly #deps: TurnWatchDependencies;
  readonly #timer: NodeJS.Timeout | null;
  readonly #wanted = new Set<string>();
  #looking = false;

  constructor(deps: TurnWatchDependencies) {
    this.#deps = deps;
    const beat = () => this.look(deps.live.all().map(({ turn }) => turn.id));
    this.#timer = deps.store.engine === 'postgres' ? setInterval(beat, BEAT_MS).unref() : null;
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  /** Something may have changed about these turns; those that do not run here are none of ours. */
  look(turnIds: readonly string[]): void {
    for (const id of turnIds) if (this.#deps.live.get(id) !== undefined) this.#wanted.add(id);
    if (!this.#looking && this.#wanted.size > 0) void this.#lookAtAll();
  }

  /** Gives a turn the messages that joined it and that it does not have yet, whoever saved them, in their order. */
  async takeJoined(live: LiveTurn): Promise<void> {
    for (const message of await this.#deps.store.turns.steered(live.turn.id, live.joinedSeq)) live.steer(message);
  }

  async #lookAtAll(): Promise<void> {
    this.#looking = true;
    try {
      while (this.#wanted.size > 0) {
        const ids = [...this.#wanted];
        this.#wanted.clear();
        const standing = new Map((await this.#deps.store.turns.standing(ids)).map((one) => [one.id, one]));
        for (const id of ids) await this.#obey(this.#deps.live.get(id), standing.get(id));
      }
    } catch (error) {
      this.#deps.logger.warn({ err: error }, 'what other instances ask of running turns could not be read');
    } finally {
      this.#looking = false;
    }
  }

  async #obey(live: LiveTurn | undefined, standing: TurnStanding | undefined): Promise<void> {
    // One that is ending is told by the store how it stands.
    if (live === undefined || live.ending) return;
    if (standing?.fence !== live.turn.fence) live.fenceOff();
    else if (standing.cancelRequestedAt !== null) live.stop({ status: 'cancelled' });
    else if (standing.answerSeq - 1 > live.joinedSeq) await this.takeJoined(live);
  }
}
