/**
 * Following a turn, wherever it is: from its live log when this process runs it, from the store when it waits, has ended or
 * runs elsewhere; and from one to the other as it goes. A follower is never left without an end: when the log is gone (kept
 * 24 h) or lies behind what he has seen (lost in a crash), the turn's record tells it.
 */
import type { TurnFrame } from '../store/records.ts';
import type { OwnedTurn, Store } from '../store/store.ts';
import type { LiveTurns } from './live-turns.ts';
import { hasEnded, isTerminal, type TurnEvent, terminalEvent } from './turn-events.ts';
import { messageView, turnView } from './turn-shapes.ts';
import type { TurnSignals } from './turn-signals.ts';

/** What following leans on. */
export interface FollowerDependencies {
  readonly store: Store;
  readonly live: LiveTurns;
  readonly signals: TurnSignals;
  /** Aborts when the instance closes: followers end, and come back elsewhere. */
  readonly closing: AbortSignal;
}

const PAGE_BYTES = 256 * 1024;

/** How often a turn without news is looked at, in milliseconds. */
export const POLL_MS = 500;

/**
 * Frames that correct a follower are numbered from here on: above whatever he has seen, since no turn has so many, and the
 * same every time, so that one who comes back in the middle of a correction gets the rest of it and then nothing more.
 */
export const CORRECTION_BASE = 1_000_000_000;

/** Frames of the turn with id > `after`, past and coming, the terminal one last. Ends early when `signal` aborts. */
export async function* followTurn(
  turn: OwnedTurn,
  after: number,
  signal: AbortSignal,
  deps: FollowerDependencies,
): AsyncGenerator<TurnFrame> {
  const stop = AbortSignal.any([signal, deps.closing]);
  let position = after;
  /** The follower's position is one of the stored log. */
  let aligned = false;
  while (!signal.aborted) {
    const log = deps.live.get(turn.id)?.log;
    for await (const frame of log?.follow(position, signal) ?? []) {
      yield frame;
      position = frame.id;
      if (isTerminal(frame.event)) return;
    }
    if (stop.aborted) return;
    const current = await deps.store.turns.findOwned(turn.userId, turn.id);
    if (current === null) return;
    const ended = hasEnded(current.status);
    if (ended && !aligned && (await liesBehind(deps.store, current, position))) {
      yield* correction(deps.store, current, position);
      return;
    }
    for await (const frame of storedFrames(deps.store, turn.id, position)) {
      yield frame;
      position = frame.id;
      aligned = true;
      if (isTerminal(frame.event)) return;
    }
    // The whole log is stored with the end: nothing after `position` means that he has seen all of it.
    if (ended) return;
    if (!deps.live.get(turn.id)) await deps.signals.news(turn.id, POLL_MS, stop);
  }
}

async function* storedFrames(store: Store, turnId: string, after: number): AsyncGenerator<TurnFrame> {
  let position = after;
  for (;;) {
    const page = await store.turns.frames(turnId, position, PAGE_BYTES);
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    position = last.id;
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
async function* correction(store: Store, turn: OwnedTurn, after: number): AsyncGenerator<TurnFrame> {
  const message = turn.messageId === null ? null : await store.messages.find(turn.chatId, turn.messageId);
  // A turn that never ran has said nothing that could need correction: its end is its first frame.
  const base = turn.startedAt === null ? 0 : CORRECTION_BASE;
  const events: TurnEvent[] = base === 0 ? [] : [{ event: 'message.reset', data: {} }];
  if (message !== null) {
    if (message.content !== '') events.push({ event: 'message.delta', data: { text: message.content } });
    events.push({ event: 'message.completed', data: { message: messageView(message) } });
  }
  events.push(terminalEvent(turnView(turn)));
  for (const [index, { event, data }] of events.entries()) {
    const id = base + index + 1;
    if (id > after) yield { id, event, data: JSON.stringify(data) };
  }
}
