/** An answer while it is made. Views hear of it thirty times a second at most, however many tokens came. */
import type { ServerEvent } from '../api/event-parser.ts';
import type { Connection } from '../api/event-stream.ts';
import { Observable } from './observable.ts';
import { afterFrame, NEW_TURN, type TurnState } from './turn-state.ts';

/** Each time costs layout and paint of the block that grows; oftener than this nobody can read. Milliseconds. */
const REST_MS = 30;

/** In a tab that is not looked at there are no frames. */
const HIDDEN_FRAME_MS = 200;

export class LiveAnswer extends Observable {
  readonly turnId: string;
  readonly startedAt = Date.now();
  state: TurnState = NEW_TURN;
  connection: Connection = 'connecting';
  /** The person has asked for its end. */
  stopping = false;
  #due = false;
  #toldAt = 0;

  constructor(turnId: string) {
    super();
    this.turnId = turnId;
  }

  take(frame: ServerEvent): void {
    this.state = afterFrame(this.state, frame);
    this.#tellSoon();
  }

  setConnection(connection: Connection): void {
    if (this.connection === connection) return;
    this.connection = connection;
    this.#tellSoon();
  }

  markStopping(stopping: boolean): void {
    this.stopping = stopping;
    this.#tellSoon();
  }

  #tellSoon(): void {
    if (this.#due) return;
    this.#due = true;
    const tell = () => {
      this.#due = false;
      this.#toldAt = performance.now();
      this.changed();
    };
    const frame = () => {
      if (performance.now() - this.#toldAt < REST_MS) requestAnimationFrame(frame);
      else tell();
    };
    if (document.visibilityState === 'visible') requestAnimationFrame(frame);
    else setTimeout(tell, HIDDEN_FRAME_MS);
  }
}
