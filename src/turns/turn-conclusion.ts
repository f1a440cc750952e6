/** How a turn ends, in every shape it is needed: the record, the answer, the last events. Pure. */
import type { Problem } from '../errors.ts';
import type { MessageRecord, TurnRecord } from '../store/records.ts';
import type { TurnEnd } from '../store/store.ts';
import { newId } from '../wire/ids.ts';
import { type TurnEndStatus, type TurnEvent, terminalEvent } from './turn-events.ts';
import { messageView, turnView } from './turn-shapes.ts';

/** What is known when a turn ends. */
export interface Ending {
  readonly status: TurnEndStatus;
  readonly error: Problem | null;
  /** Text said so far; null: nothing was. */
  readonly said: { readonly content: string; readonly createdAt: number } | null;
  readonly model: string | null;
  readonly now: number;
}

/** The ended turn. */
export interface Conclusion {
  readonly turn: TurnRecord;
  readonly message: TurnEnd['message'];
  /** The answer as history will tell it. */
  readonly record: MessageRecord | null;
  /** The last ones of its log, the terminal one last. */
  readonly events: TurnEvent[];
}

/** What `turn` becomes with `ending`. A completed turn always has an answer, however empty. */
export function conclude(turn: TurnRecord, { status, error, said, model, now }: Ending): Conclusion {
  const text = said ?? (status === 'completed' ? { content: '', createdAt: now } : null);
  const message: TurnEnd['message'] =
    text === null ? null : { id: newId(), ...text, model, status: status === 'completed' ? 'complete' : 'partial' };
  const problem = error === null ? null : { ...error, turnId: turn.id };
  const ended: TurnRecord = {
    ...turn,
    status,
    error: problem,
    endedAt: now,
    messageId: message?.id ?? null,
    model,
  };
  const { id: turnId, chatId, answerSeq: seq } = turn;
  const record = message && { ...message, chatId, turnId, role: 'assistant' as const, attachments: [], seq };
  const events: TurnEvent[] = [];
  if (record !== null) events.push({ event: 'message.completed', data: { message: messageView(record) } });
  events.push(terminalEvent(turnView(ended)));
  return { turn: ended, message, record, events };
}
