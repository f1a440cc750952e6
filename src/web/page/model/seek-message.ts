/** The way back to a message of long ago. */
import type { MessageHistory } from './message-history.ts';

/** What came of it. */
export interface Sought {
  readonly messageId: string;
  /** No: it is not there any more. */
  readonly found: boolean;
}

/**
 * Reads and shows what is older until the message is shown, a few more in each frame, so that the page stays alive.
 * @param step hears of each
 * @returns whether it is there
 */
export async function seekMessage(
  history: MessageHistory,
  messageId: string,
  signal: AbortSignal,
  step: () => void,
): Promise<boolean> {
  while (!history.shows(messageId)) {
    if (!history.hasOlder) return false;
    await history.readOlder(signal);
    step();
    await nextFrame();
    signal.throwIfAborted();
  }
  return true;
}

/** Or as soon as the tab is looked at. */
function nextFrame(): Promise<unknown> {
  return new Promise((resolve) => requestAnimationFrame(resolve));
}
