/**
 * From the SDK's session events to ours: a reducer, pure, one state per turn.
 *
 * What the model said is kept per `messageId`. A failed attempt's text is withdrawn when the retry begins to speak; an
 * answer cut by its length goes on in the next message; the final `assistant.message` has the last word, so that the
 * deltas after the last reset, joined, are the answer.
 */
import type { SessionEvent } from '@github/copilot-sdk';
import type { RuntimeFailure } from './runtime-errors.ts';
import type { ModelUsage, RuntimeEvent } from './runtime-port.ts';

/** One message of the answer while it is written. */
interface Draft {
  readonly messageId: string;
  readonly text: string;
}

/** Where a turn stands. */
export interface TurnState {
  /** Text of the messages before the draft, as it was emitted. */
  readonly said: string;
  readonly draft: Draft | null;
  /** The draft got its `assistant.message`. */
  readonly settled: boolean;
  /** API call of the last settled message: its chunks join without a gap. */
  readonly apiCallId: string | null;
  /** A model call failed since the draft began. */
  readonly broken: boolean;
  /** Prompts the runtime has taken up, by `messageId`. */
  readonly taken: readonly string[];
  readonly toolNames: Readonly<Record<string, string>>;
  readonly failure: RuntimeFailure | null;
  /** The last failed attempt: says more than the error that follows it. */
  readonly attempt: RuntimeFailure | null;
  readonly filtered: boolean;
  readonly aborted: boolean;
  /** The model is done; what was said is being saved. */
  readonly done: boolean;
  readonly idle: boolean;
  /** The first prompt of a fresh session makes a title; later ones do not. */
  readonly wantsTitle: boolean;
}

/** A step's result. */
export interface Step {
  readonly state: TurnState;
  readonly out: readonly RuntimeEvent[];
}

/** A turn before its first event. */
export function beginTurn(wantsTitle: boolean): TurnState {
  return {
    said: '',
    draft: null,
    settled: false,
    apiCallId: null,
    broken: false,
    taken: [],
    toolNames: {},
    failure: null,
    attempt: null,
    filtered: false,
    aborted: false,
    done: false,
    idle: false,
    wantsTitle,
  };
}

/** The whole text after the last reset. */
export function answerOf(state: TurnState): string {
  return state.said + (state.draft?.text ?? '');
}

/**
 * What is left to say once the runtime is idle: its title comes at any time, now and then after the idle (1.0.85), and is
 * the prompt anyway.
 */
export function endTurn(state: TurnState, prompt: string): readonly RuntimeEvent[] {
  const title = state.wantsTitle ? titleOf(prompt) : '';
  return title === '' ? NOTHING : [{ type: 'title', title }];
}

type Reducer<K extends SessionEvent['type']> = (state: TurnState, event: Extract<SessionEvent, { type: K }>) => Step;

const NOTHING: readonly RuntimeEvent[] = [];

/** Event types that matter; every other one passes without effect, the untyped `model.*` among them. */
const REDUCERS: { [K in SessionEvent['type']]?: Reducer<K> } = {
  'user.message': (state, { data }) => ({
    state: {
      ...state,
      done: false,
      idle: false,
      taken: data.messageId ? [...state.taken, data.messageId] : state.taken,
    },
    out: NOTHING,
  }),
  'assistant.message_delta': (state, { data }) => addText(state, data.messageId, data.deltaContent),
  'assistant.message': (state, { data }) => settle(state, data),
  'assistant.reasoning_delta': (state, { data }) => ({ state, out: [{ type: 'reasoning', text: data.deltaContent }] }),
  'assistant.usage': (state, { data }) => ({
    state: { ...state, filtered: state.filtered || data.contentFilterTriggered === true },
    out: [{ type: 'usage', usage: usageOf(data) }],
  }),
  'model.call_failure': (state, { data }) => {
    const attempt: RuntimeFailure = {
      type: null,
      status: data.statusCode ?? null,
      code: data.errorCode ?? null,
      message: data.errorMessage ?? '',
      retryAfter: null,
    };
    return { state: { ...state, broken: true, attempt }, out: [{ type: 'retrying', status: attempt.status }] };
  },
  'session.error': (state, { data }) => ({ state: failed(state, data), out: NOTHING }),
  'auto_mode_switch.requested': (state, { data }) => {
    const { failure } = state;
    const retryAfter = data.retryAfterSeconds ?? null;
    return { state: failure ? { ...state, failure: { ...failure, retryAfter } } : state, out: NOTHING };
  },
  'assistant.idle': (state) => ({ state: { ...state, done: true }, out: NOTHING }),
  'session.title_changed': (state, { data }) => {
    const title = state.wantsTitle ? titleOf(data.title) : '';
    return { state: { ...state, wantsTitle: false }, out: title === '' ? NOTHING : [{ type: 'title', title }] };
  },
  'tool.execution_start': (state, { data }) => ({
    state: { ...state, toolNames: { ...state.toolNames, [data.toolCallId]: data.toolName } },
    out: [{ type: 'tool.started', toolCallId: data.toolCallId, name: data.toolName }],
  }),
  'tool.execution_complete': (state, { data }) => ({
    state,
    out: [
      {
        type: 'tool.completed',
        toolCallId: data.toolCallId,
        name: state.toolNames[data.toolCallId] ?? 'unknown',
        success: data.success,
      },
    ],
  }),
  abort: (state) => ({ state: { ...state, aborted: true }, out: NOTHING }),
  'session.idle': (state, { data }) => ({
    state: { ...state, idle: true, aborted: state.aborted || data.aborted === true },
    out: NOTHING,
  }),
};

/** Applies one event of the session. Events of sub-agents are theirs, not the answer's. */
export function reduceEvent(state: TurnState, event: SessionEvent): Step {
  const reduce = REDUCERS[event.type] as ((state: TurnState, event: SessionEvent) => Step) | undefined;
  if (!reduce || ('agentId' in event && event.agentId)) return { state, out: NOTHING };
  return reduce(state, event);
}

function addText(state: TurnState, messageId: string, text: string): Step {
  if (text === '') return { state, out: NOTHING };
  if (state.draft?.messageId === messageId && !state.settled) {
    const draft = { messageId, text: state.draft.text + text };
    return { state: { ...state, draft }, out: [{ type: 'text', text }] };
  }
  const begun = beginMessage(state, messageId, null);
  return {
    state: { ...begun.state, draft: { messageId, text } },
    out: [...begun.out, { type: 'text', text }],
  };
}

/**
 * A save that fails on the way is tried again at the end; if that fails too, no idle follows any more (1.0.85), so that
 * this error is the end. Every other error is followed by the idle.
 */
function failed(state: TurnState, data: Extract<SessionEvent, { type: 'session.error' }>['data']): TurnState {
  const saving = data.errorType === 'persistence';
  if (saving && !state.done) return state;
  const failure: RuntimeFailure = {
    type: data.errorType,
    status: data.statusCode ?? state.attempt?.status ?? null,
    code: data.errorCode ?? state.attempt?.code ?? null,
    message: data.message,
    retryAfter: null,
  };
  return { ...state, failure, idle: saving || state.idle };
}

/** Closes the draft before a new message, or withdraws it where the attempt had failed. */
function beginMessage(state: TurnState, messageId: string, apiCallId: string | null): Step {
  const { draft } = state;
  const fresh = { ...state, draft: { messageId, text: '' }, settled: false, broken: false };
  if (draft === null) return { state: fresh, out: NOTHING };
  if (state.broken && !state.settled) {
    const out: RuntimeEvent[] = [{ type: 'reset' }];
    if (state.said !== '') out.push({ type: 'text', text: state.said });
    return { state: fresh, out };
  }
  // Cut by its length, or a further piece of one model call: it goes on where it stopped. Else it is a message of its own.
  const goesOn = !state.settled || (apiCallId !== null && apiCallId === state.apiCallId) || draft.text === '';
  const gap = goesOn ? '' : '\n\n';
  return {
    state: { ...fresh, said: state.said + draft.text + gap },
    out: gap === '' ? NOTHING : [{ type: 'text', text: gap }],
  };
}

/** The authoritative message: what was streamed is completed, or withdrawn where it differs. */
function settle(state: TurnState, data: { messageId: string; content: string; apiCallId?: string }): Step {
  if (data.content === '') return { state, out: NOTHING }; // only asks for tools
  const apiCallId = data.apiCallId ?? null;
  const known = state.draft?.messageId === data.messageId;
  const begun = known ? { state, out: NOTHING } : beginMessage(state, data.messageId, apiCallId);
  const streamed = begun.state.draft?.text ?? '';
  const settled: TurnState = {
    ...begun.state,
    draft: { messageId: data.messageId, text: data.content },
    settled: true,
    broken: false,
    apiCallId,
  };
  if (data.content.startsWith(streamed)) {
    const rest = data.content.slice(streamed.length);
    return { state: settled, out: rest === '' ? begun.out : [...begun.out, { type: 'text', text: rest }] };
  }
  return {
    state: settled,
    out: [...begun.out, { type: 'reset' }, { type: 'text', text: settled.said + data.content }],
  };
}

function usageOf(data: Extract<SessionEvent, { type: 'assistant.usage' }>['data']): ModelUsage {
  return {
    model: data.model ?? null,
    inputTokens: data.inputTokens ?? 0,
    outputTokens: data.outputTokens ?? 0,
    cachedTokens: data.cacheReadTokens ?? 0,
    cost: data.cost ?? null,
    timeToFirstTokenMs: data.timeToFirstTokenMs ?? null,
  };
}

const TITLE_LENGTH = 60;

/** The runtime's title is the raw prompt, up to some 500 characters (1.0.85): one line, cut at a word. */
export function titleOf(raw: string): string {
  const line = raw.replace(/\s+/g, ' ').trim();
  if (line.length <= TITLE_LENGTH) return line;
  const cut = line.slice(0, TITLE_LENGTH);
  const word = cut.lastIndexOf(' ');
  return `${(word > TITLE_LENGTH / 2 ? cut.slice(0, word) : cut).trimEnd()}…`;
}
