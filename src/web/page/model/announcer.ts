/** What a screen reader is told without being asked, one sentence at a time. */
import { Observable } from './observable.ts';

/** More would be read for minutes; the answer itself is there to be read. Characters. */
const LONGEST = 600;

export class Announcer extends Observable {
  text = '';
  /** Tells two equal announcements apart, so that the second is read as well. */
  count = 0;

  say(text: string): void {
    this.text = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
    this.count += 1;
    this.changed();
  }
}
