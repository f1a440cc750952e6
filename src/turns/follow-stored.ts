/**
 * Following a turn through the store: one that ended, or one that another instance runs. A follower is never left without
 * an end: when the log is gone (kept 24 h) or lies behind what he has seen (lost in a crash), the turn's record tells it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { TurnFrame } from '../store/records.ts';
import type { OwnedTurn, Store } from '../store/store.ts';
import { hasEnded, isTerminal, type TurnEvent, terminalEvent } from './turn-events.ts';
import { messageView, turnView } from './turn-shapes.ts';

const PAGE_BYTES = 256 * 1024;

/** How often a turn that runs elsewhere is looked at, in milliseconds. */
const POLL_MS = 500;

export async function* followStored(
  store: Store,
  turn: OwnedTurn,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<TurnFrame> {
  let position = after;
  let current: OwnedTurn | null = turn;
  while (current !== null && !signal.aborted) {
    const ended = hasEnded(current.status);
    if (ended && position === after && (await liesBehind(store, current, after))) {
      yield* endFromRecord(store, current, position);
      return;
    }
    const page = await store.turns.frames(turn.id, position, PAGE_BYTES);
    for (const frame of page) {
      yield frame;
      position = frame.id;
      if (isTerminal(frame.event)) return;
    }
    if (page.length > 0) continue;
    // The whole log is stored with the end: nothing after `position` means that he has seen all of it.
    if (ended) return;
    await delay(POLL_MS, undefined, { signal }).catch(() => undefined);
    current = await store.turns.findOwned(turn.userId, turn.id);
  }
}

/**
 * True when the log cannot serve the follower: it is gone (kept for a day), or a crash took frames that he has already
 * seen, so that the numbers of an interrupted turn's last frames are numbers he knows for other things.
 */
async function liesBehind(store: Store, turn: OwnedTurn, after: number): Promise<boolean> {
  if ((await store.turns.frames(turn.id, 0, 1)).length === 0) return true;
  if (turn.status !== 'interrupted' || after === 0) return false;
  const ending = turn.messageId === null ? 1 : 2;
  const rest = await store.turns.frames(turn.id, Math.max(0, after - ending), PAGE_BYTES);
  const terminal = rest.find((frame) => isTerminal(frame.event));
  return terminal === undefined ? rest.length === 0 : after > terminal.id - ending;
}

/** What a follower needs who cannot be served from the log: the answer as it is kept, and the end. */
async function* endFromRecord(store: Store, turn: OwnedTurn, after: number): AsyncGenerator<TurnFrame> {
  const message = turn.messageId === null ? null : await store.messages.find(turn.chatId, turn.messageId);
  const events: TurnEvent[] = [];
  if (after > 0) events.push({ event: 'message.reset', data: {} });
  if (message !== null) {
    if (message.content !== '') events.push({ event: 'message.delta', data: { text: message.content } });
    events.push({ event: 'message.completed', data: { message: messageView(message) } });
  }
  events.push(terminalEvent(turnView(turn)));
  for (const [index, { event, data }] of events.entries())
    yield { id: after + index + 1, event, data: JSON.stringify(data) };
}
