/** An answer while it is made. Views hear of it once per frame, however many tokens came. */
import type { ServerEvent } from '../api/event-parser.ts';
import type { Connection } from '../api/event-stream.ts';
import { Observable } from './observable.ts';
import { afterFrame, NEW_TURN, type TurnState } from './turn-state.ts';

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
      this.changed();
    };
    if (document.visibilityState === 'visible') requestAnimationFrame(tell);
    else setTimeout(tell, HIDDEN_FRAME_MS);
  }
}
