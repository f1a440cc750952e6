/** What the page knows of an answer while it is made: the turn's events, folded. Pure. */
import type { ServerEvent } from '../api/event-parser.ts';
import type { MessageView, Problem, TurnEvent, TurnView } from '../api/shapes.ts';

/** `waking`: the runtime gets ready; `thinking`: it reasons; `working`: a tool runs. */
export type TurnPhase = 'queued' | 'waking' | 'thinking' | 'working' | 'answering' | 'ended';

export interface TurnState {
  readonly phase: TurnPhase;
  /** The answer so far: the deltas since the last reset, joined. */
  readonly text: string;
  readonly reasoning: string;
  /** The tool that runs. */
  readonly tool: string | null;
  /** What the model asks the person. */
  readonly question: string | null;
  readonly title: string | null;
  readonly message: MessageView | null;
  /** The turn as last told. */
  readonly turn: TurnView | null;
  readonly error: Problem | null;
  readonly lastEventId: string | null;
}

export const NEW_TURN: TurnState = {
  phase: 'queued',
  text: '',
  reasoning: '',
  tool: null,
  question: null,
  title: null,
  message: null,
  turn: null,
  error: null,
  lastEventId: null,
};

/** The state after one more frame. Frames this page does not know, from a newer gateway, change nothing but the place. */
export function afterFrame(state: TurnState, frame: ServerEvent): TurnState {
  const event = { event: frame.event, data: JSON.parse(frame.data) as unknown } as TurnEvent;
  return { ...afterEvent(state, event), lastEventId: frame.id ?? state.lastEventId };
}

function afterEvent(state: TurnState, { event, data }: TurnEvent): TurnState {
  switch (event) {
    case 'turn.started':
      return { ...state, phase: 'waking', turn: data.turn };
    case 'message.delta':
      return { ...state, phase: 'answering', tool: null, text: state.text + data.text };
    case 'message.reset':
      return { ...state, phase: 'thinking', text: '' };
    case 'reasoning.delta':
      return { ...state, phase: 'thinking', reasoning: state.reasoning + data.text };
    case 'tool.started':
      return { ...state, phase: 'working', tool: data.name };
    case 'tool.completed':
      return { ...state, phase: 'thinking', tool: null };
    case 'input.requested':
      return { ...state, question: data.question };
    case 'chat.updated':
      return { ...state, title: data.title };
    case 'message.completed':
      return { ...state, message: data.message, text: data.message.content };
    case 'turn.completed':
    case 'turn.cancelled':
    case 'turn.interrupted':
    case 'turn.failed':
      return { ...state, phase: 'ended', turn: data.turn, error: data.turn.error as Problem | null };
    default:
      return state;
  }
}

export function isActive({ status }: Pick<TurnView, 'status'>): boolean {
  return status === 'queued' || status === 'running';
}
