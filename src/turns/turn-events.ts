/** The public events of a turn: names, data, and the pure mapping from what a runtime says. */
import type { Problem } from '../errors.ts';
import type { ModelUsage, RuntimeEvent } from '../runtimes/runtime-port.ts';
import type { TurnStatus } from '../store/records.ts';
import type { MessageView, TurnView } from './turn-shapes.ts';

/** Every event a turn's stream may carry, with its data. */
export interface TurnEventData {
  'turn.started': { turn: TurnView };
  'message.delta': { text: string };
  'message.reset': Record<string, never>;
  'reasoning.delta': { text: string };
  'tool.started': { toolCallId: string; name: string };
  'tool.completed': { toolCallId: string; name: string; success: boolean };
  'input.requested': { requestId: string; question: string; choices: readonly string[] };
  usage: ModelUsage;
  'chat.updated': { title: string };
  'message.completed': { message: MessageView };
  'turn.completed': { turn: TurnView };
  'turn.failed': { turn: TurnView; error: Problem };
  'turn.cancelled': { turn: TurnView };
  'turn.interrupted': { turn: TurnView };
}

export type TurnEventName = keyof TurnEventData;

/** One event, before it has a number. */
export type TurnEvent = { [Name in TurnEventName]: { event: Name; data: TurnEventData[Name] } }[TurnEventName];

/** How a turn can end. */
export type TurnEndStatus = Exclude<TurnStatus, 'queued' | 'running'>;

const TERMINAL: ReadonlySet<string> = new Set(['turn.completed', 'turn.failed', 'turn.cancelled', 'turn.interrupted']);

/** True for the one event that ends a stream. */
export function isTerminal(event: string): boolean {
  return TERMINAL.has(event);
}

/** True once a turn can never change again. */
export function hasEnded(status: TurnStatus): status is TurnEndStatus {
  return status !== 'queued' && status !== 'running';
}

/** The last event of a turn that ended so. */
export function terminalEvent(turn: TurnView): TurnEvent {
  if (turn.status === 'failed' && turn.error !== null) {
    return { event: 'turn.failed', data: { turn, error: turn.error as Problem } };
  }
  return { event: `turn.${turn.status as 'completed'}`, data: { turn } };
}

/** What the public hears of a runtime's event; null: nothing. */
export function publicEvent(event: RuntimeEvent): TurnEvent | null {
  switch (event.type) {
    case 'text':
      return { event: 'message.delta', data: { text: event.text } };
    case 'reset':
      return { event: 'message.reset', data: {} };
    case 'reasoning':
      return { event: 'reasoning.delta', data: { text: event.text } };
    case 'tool.started':
      return { event: 'tool.started', data: { toolCallId: event.toolCallId, name: event.name } };
    case 'tool.completed':
      return {
        event: 'tool.completed',
        data: { toolCallId: event.toolCallId, name: event.name, success: event.success },
      };
    case 'input.requested':
      return {
        event: 'input.requested',
        data: { requestId: event.requestId, question: event.question, choices: event.choices },
      };
    case 'usage':
      return { event: 'usage', data: event.usage };
    case 'accepted':
    case 'retrying':
    case 'title':
      return null;
  }
}

/** The text that stored frames say: the deltas after the last reset, joined. */
export function textOf(frames: readonly { event: string; data: string }[]): string {
  let parts: string[] = [];
  for (const frame of frames) {
    if (frame.event === 'message.reset') parts = [];
    else if (frame.event === 'message.delta') parts.push((JSON.parse(frame.data) as { text: string }).text);
  }
  return parts.join('');
}
