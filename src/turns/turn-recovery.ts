/**
 * After a crash: turns that nobody runs any more become `interrupted`, with what was stored of their answer. They are never
 * run again by themselves: the model may have acted, and the person has seen part of it.
 */
import type { Logger } from 'pino';
import { GatewayError } from '../errors.ts';
import type { TurnFrame, TurnRecord } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import { conclude } from './turn-conclusion.ts';
import { textOf } from './turn-events.ts';

/** What recovery works on. */
export interface RecoveryDependencies {
  readonly store: Store;
  readonly logger: Logger;
  readonly clock: () => number;
}

/** An owner that gave no sign of life for so long is dead, in milliseconds. */
export const DEAD_AFTER_MS = 20_000;

/** Bytes of stored frames read at a time. */
const PAGE_BYTES = 1024 * 1024;

/** Turns looked at in one go. */
const STEP = 50;

/**
 * Ends every abandoned turn of a SQLite database: it has one process, so whatever runs there at start was left behind. Where
 * instances share one, `turn-keeper.ts` sees who is dead.
 * @returns how many were ended
 */
export async function recoverTurns({ store, logger, clock }: RecoveryDependencies): Promise<number> {
  if (store.engine === 'postgres') return 0;
  let recovered = 0;
  for (;;) {
    let ended = 0;
    for (const turn of await store.turns.abandoned(Number.MAX_SAFE_INTEGER, null, STEP)) {
      if ((await interruptTurn(turn, store, clock())) !== null) ended += 1;
    }
    recovered += ended;
    if (ended === 0) break;
  }
  if (recovered > 0)
    logger.warn({ turns: recovered }, 'turns that an earlier process left running are marked interrupted');
  return recovered;
}

/** Ends one turn that nobody runs. @returns the ended turn; null when somebody else was first */
export async function interruptTurn(turn: TurnRecord, store: Store, now: number): Promise<TurnRecord | null> {
  const frames = await allFrames(store, turn.id);
  const content = textOf(frames);
  const error = new GatewayError('interrupted', 'The gateway stopped while this turn ran. Send the message again.');
  const conclusion = conclude(turn, {
    status: 'interrupted',
    error: error.problem(),
    said: content === '' ? null : { content, createdAt: turn.startedAt ?? now },
    model: turn.model,
    now,
  });
  const lastId = frames.at(-1)?.id ?? 0;
  const stored = await store.turns.end({
    turnId: turn.id,
    fence: turn.fence,
    status: 'interrupted',
    error: conclusion.turn.error,
    model: turn.model,
    message: conclusion.message,
    frames: conclusion.events.map(({ event, data }, index) => ({
      id: lastId + index + 1,
      event,
      data: JSON.stringify(data),
    })),
    usage: [],
    contextLost: true,
    now,
  });
  return stored ? conclusion.turn : null;
}

async function allFrames(store: Store, turnId: string): Promise<TurnFrame[]> {
  const frames: TurnFrame[] = [];
  for (;;) {
    const page = await store.turns.frames(turnId, frames.at(-1)?.id ?? 0, PAGE_BYTES);
    if (page.length === 0) return frames;
    for (const frame of page) frames.push(frame);
  }
}
