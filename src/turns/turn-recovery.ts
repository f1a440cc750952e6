/**
 * After a crash: turns that nobody runs any more become `interrupted`, with what was stored of their answer. They are never
 * run again by themselves: the model may have acted, and the person has seen part of it.
 */
import type { Logger } from 'pino';
import { GatewayError } from '../errors.ts';
import type { TurnFrame, TurnRecord } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import { newId } from '../wire/ids.ts';
import { type TurnEvent, terminalEvent, textOf } from './turn-events.ts';
import { messageView, turnView } from './turn-shapes.ts';

export interface RecoveryDependencies {
  readonly store: Store;
  readonly logger: Logger;
  readonly clock: () => number;
}

/** Bytes of stored frames read at a time. */
const PAGE_BYTES = 1024 * 1024;

/**
 * Ends every abandoned turn. On SQLite there is one process, so whatever runs in the store at start was left behind.
 * @returns how many were ended
 */
export async function recoverTurns({ store, logger, clock }: RecoveryDependencies): Promise<number> {
  let recovered = 0;
  for (;;) {
    const abandoned = await store.turns.abandoned(
      store.engine === 'sqlite' ? Number.MAX_SAFE_INTEGER : clock() - 30_000,
      null,
      50,
    );
    let ended = 0;
    for (const turn of abandoned) {
      if (await interrupt(turn, store, clock())) ended += 1;
    }
    recovered += ended;
    if (ended === 0) break;
  }
  if (recovered > 0)
    logger.warn({ turns: recovered }, 'turns that an earlier process left running are marked interrupted');
  return recovered;
}

async function interrupt(turn: TurnRecord, store: Store, now: number): Promise<boolean> {
  const frames = await allFrames(store, turn.id);
  const content = textOf(frames);
  const error = new GatewayError('interrupted', 'The gateway stopped while this turn ran. Send the message again.');
  const message =
    content === '' ? null : ({ id: newId(), content, model: turn.model, status: 'partial', createdAt: now } as const);
  const problem = { ...error.problem(), turnId: turn.id };
  const ended: TurnRecord = {
    ...turn,
    status: 'interrupted',
    error: problem,
    endedAt: now,
    messageId: message?.id ?? null,
  };
  const events: TurnEvent[] =
    message === null
      ? []
      : [
          {
            event: 'message.completed',
            data: {
              message: messageView({
                ...message,
                chatId: turn.chatId,
                turnId: turn.id,
                role: 'assistant',
                attachments: [],
                seq: turn.answerSeq,
              }),
            },
          },
        ];
  events.push(terminalEvent(turnView(ended)));
  const lastId = frames.at(-1)?.id ?? 0;
  return store.turns.end({
    turnId: turn.id,
    fence: turn.fence,
    status: 'interrupted',
    error: problem,
    model: turn.model,
    message,
    frames: events.map(({ event, data }, index) => ({ id: lastId + index + 1, event, data: JSON.stringify(data) })),
    usage: [],
    contextLost: true,
    now,
  });
}

async function allFrames(store: Store, turnId: string): Promise<TurnFrame[]> {
  const frames: TurnFrame[] = [];
  for (;;) {
    const page = await store.turns.frames(turnId, frames.at(-1)?.id ?? 0, PAGE_BYTES);
    if (page.length === 0) return frames;
    frames.push(...page);
  }
}
