/**
 * Runs one turn: lease, conversation, end. Nothing here throws to its caller; whatever happens becomes the turn's end, and
 * the end is stored before anyone is told.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { GatewayError } from '../errors.ts';
import type {
  HistoryEntry,
  LeaseRequest,
  Prompt,
  RuntimeEvent,
  Runtimes,
  RuntimeUser,
} from '../runtimes/runtime-port.ts';
import type { ChatRecord, MessageRecord, TurnRecord } from '../store/records.ts';
import type { Store, TurnEnd } from '../store/store.ts';
import { newId } from '../wire/ids.ts';
import { firstWords, isRealTitle } from './chat-title.ts';
import type { CredentialSource } from './credential-source.ts';
import type { FrameWriter } from './frame-writer.ts';
import type { LiveTurn } from './live-turn.ts';
import { type TurnDeadlineLimits, TurnDeadlines } from './turn-deadlines.ts';
import { publicEvent, type TurnEndStatus, type TurnEvent, terminalEvent } from './turn-events.ts';
import { messageView, turnView } from './turn-shapes.ts';

/** What running a turn needs. */
export interface TurnRunnerDependencies {
  readonly store: Store;
  readonly runtimes: Runtimes;
  readonly credentials: CredentialSource;
  readonly writer: FrameWriter;
  readonly logger: Logger;
  readonly limits: TurnDeadlineLimits;
  /** The operator's; a chat's own follows it. */
  readonly systemMessage: string;
  readonly clock: () => number;
}

/** What the turn is about. */
export interface TurnSubject {
  readonly chat: ChatRecord;
  readonly message: MessageRecord;
}

interface Outcome {
  readonly status: TurnEndStatus;
  readonly error: GatewayError | null;
  /** The runtime took the prompt. */
  readonly accepted: boolean;
}

/** Between two tries to store an end while the store is away. */
const END_RETRY_MS = 500;

/** Runs `live` to its end. @returns the ended turn; null when another instance took it over. */
export async function runTurn(
  live: LiveTurn,
  subject: TurnSubject,
  deps: TurnRunnerDependencies,
): Promise<TurnRecord | null> {
  live.emit({ event: 'turn.started', data: { turn: turnView(live.turn) } }, deps.clock());
  const outcome = await converse(live, subject, deps);
  const ended = live.reason?.status === 'fenced' ? null : await storeEnd(live, outcome, deps);
  if (ended === null) live.log.close();
  live.finish();
  return ended;
}

async function converse(live: LiveTurn, subject: TurnSubject, deps: TurnRunnerDependencies): Promise<Outcome> {
  const progress = { accepted: false };
  const deadlines = new TurnDeadlines(deps.limits, (error) => live.stop({ status: 'failed', error }));
  let user: RuntimeUser | null = null;
  try {
    await titleFromFirstWords(live, subject, deps);
    user = await deps.credentials.runtimeUser(live.turn.userId, live.signal);
    await talk(live, subject, { user, deadlines, progress, deps });
    return { ...stoppedOr(live, { status: 'completed', error: null }), accepted: progress.accepted };
  } catch (cause) {
    const error = asGatewayError(cause, live, deps.logger);
    if (error.code === 'reauth_required' && user !== null) await deps.credentials.rejected(user).catch(() => undefined);
    return { ...stoppedOr(live, { status: 'failed', error }), accepted: progress.accepted };
  } finally {
    deadlines.stop();
  }
}

interface Conversation {
  user: RuntimeUser;
  deadlines: TurnDeadlines;
  progress: { accepted: boolean };
  deps: TurnRunnerDependencies;
}

async function talk(live: LiveTurn, subject: TurnSubject, conversation: Conversation): Promise<void> {
  const { user, deps } = conversation;
  const lease = await deps.runtimes.lease(leaseRequest(live, subject, user, deps), live.signal);
  let clean = false;
  try {
    live.unsent.unshift({ text: subject.message.content, attachments: subject.message.attachments });
    // Messages that joined while the runtime could not take them get a run of their own, in this turn.
    for (let prompt = await live.nextPrompt(); prompt !== null; prompt = await live.nextPrompt()) {
      if (!live.silent) live.emit({ event: 'message.delta', data: { text: '\n\n' } }, deps.clock());
      for await (const event of runWithSteering(live, lease, prompt)) hear(live, event, subject, conversation);
    }
    clean = !live.signal.aborted;
  } finally {
    live.lease = null;
    lease.release({ keepWarm: clean });
  }
}

async function* runWithSteering(
  live: LiveTurn,
  lease: NonNullable<LiveTurn['lease']>,
  prompt: Prompt,
): AsyncGenerator<RuntimeEvent> {
  for await (const event of lease.run(prompt, live.signal)) {
    if (event.type === 'accepted') {
      live.lease = lease;
      for (const waiting of live.unsent.splice(0)) await lease.steer(waiting);
    }
    yield event;
  }
  live.lease = null;
}

function hear(
  live: LiveTurn,
  event: RuntimeEvent,
  subject: TurnSubject,
  { deadlines, progress, deps }: Conversation,
): void {
  const now = deps.clock();
  if (event.type === 'accepted') {
    progress.accepted = true;
    deadlines.accepted();
    return;
  }
  if (event.type === 'title') {
    void retitle(live, event.title, subject, deps);
    return;
  }
  if (event.type === 'usage') {
    const { model, inputTokens, outputTokens, cachedTokens, cost } = event.usage;
    const { id: turnId, chatId, userId } = live.turn;
    live.model = model ?? live.model;
    live.usage.push({
      id: newId(),
      turnId,
      chatId,
      userId,
      model,
      inputTokens,
      outputTokens,
      cachedTokens,
      cost,
      createdAt: now,
    });
  }
  // A retry of the runtime's own is no sign that the model speaks: the clock of the first token goes on.
  if (event.type !== 'retrying') deadlines.alive();
  const told = publicEvent(event);
  if (told !== null) live.emit(told, now);
}

function leaseRequest(
  live: LiveTurn,
  { chat, message }: TurnSubject,
  user: RuntimeUser,
  deps: TurnRunnerDependencies,
): LeaseRequest {
  return {
    user,
    chatId: chat.id,
    sessionId: runtimeSessionId(chat.userId, chat.id),
    model: live.turn.model,
    systemMessage: chat.systemPrompt === null ? deps.systemMessage : `${deps.systemMessage}\n\n${chat.systemPrompt}`,
    contextVersion: chat.contextVersion,
    history: async () => (await deps.store.messages.context(chat.id, message.seq)).map(historyEntry),
  };
}

function historyEntry({ role, content, attachments }: MessageRecord): HistoryEntry {
  return { role, content, attachments };
}

/** The runtime's name for a chat's session; the user's id in it keeps people apart on a shared runtime. */
export function runtimeSessionId(userId: string, chatId: string): string {
  return `user-${userId}-${chatId}`;
}

async function titleFromFirstWords(
  live: LiveTurn,
  { chat, message }: TurnSubject,
  deps: TurnRunnerDependencies,
): Promise<void> {
  if (chat.titleSource !== 'none') return;
  const title = firstWords(message.content);
  if (title !== '' && (await deps.store.chats.setAutoTitle(chat.id, title, deps.clock()))) {
    live.emit({ event: 'chat.updated', data: { title } }, deps.clock());
  }
}

async function retitle(
  live: LiveTurn,
  title: string,
  { chat, message }: TurnSubject,
  deps: TurnRunnerDependencies,
): Promise<void> {
  try {
    if (chat.titleSource === 'user' || !isRealTitle(title, message.content)) return;
    if (!(await deps.store.chats.setAutoTitle(chat.id, title, deps.clock())) || live.ending) return;
    live.emit({ event: 'chat.updated', data: { title } }, deps.clock());
  } catch (error) {
    deps.logger.warn({ err: error, turnId: live.turn.id }, 'the title could not be stored');
  }
}

/** A turn that was told to stop ends for that reason, whatever the runtime said last. */
function stoppedOr(live: LiveTurn, otherwise: Omit<Outcome, 'accepted'>): Omit<Outcome, 'accepted'> {
  const reason = live.reason;
  if (reason === null || reason.status === 'fenced') return otherwise;
  return { status: reason.status, error: reason.status === 'cancelled' ? null : reason.error };
}

function asGatewayError(cause: unknown, live: LiveTurn, logger: Logger): GatewayError {
  if (cause instanceof GatewayError) return cause;
  if (!live.signal.aborted)
    logger.error({ err: cause, turnId: live.turn.id }, 'a turn failed for a reason that has no code');
  return new GatewayError('internal_error', 'The turn failed on our side. Try again; the message is kept.', { cause });
}

async function storeEnd(live: LiveTurn, outcome: Outcome, deps: TurnRunnerDependencies): Promise<TurnRecord | null> {
  live.ending = true;
  deps.writer.forget(live);
  await live.writing?.catch(() => undefined);
  const { end, turn, events } = describeEnd(live, outcome, deps.clock());
  const frames = live.log.prepare(events);
  end.frames = [...live.unstored(), ...frames];
  if (!(await storeUntilDone(end, live, deps))) return null;
  live.log.publish(frames);
  return turn;
}

function describeEnd(live: LiveTurn, { status, error, accepted }: Outcome, now: number) {
  const { chatId, id: turnId } = live.turn;
  const content = live.text;
  const said = content !== '' || status === 'completed';
  const message = said
    ? ({
        id: newId(),
        content,
        model: live.model,
        status: status === 'completed' ? 'complete' : 'partial',
        createdAt: live.firstTextAt ?? now,
      } as const)
    : null;
  const problem = error === null ? null : { ...error.problem(live.requestId), turnId };
  const turn: TurnRecord = {
    ...live.turn,
    status,
    error: problem,
    endedAt: now,
    messageId: message?.id ?? null,
    model: live.model,
  };
  const events: TurnEvent[] = [];
  if (message !== null) {
    events.push({
      event: 'message.completed',
      data: {
        message: messageView({
          ...message,
          chatId,
          turnId,
          role: 'assistant',
          attachments: [],
          seq: live.turn.answerSeq,
        }),
      },
    });
  }
  events.push(terminalEvent(turnView(turn)));
  const end: TurnEnd = {
    turnId,
    fence: live.turn.fence,
    status,
    error: problem,
    model: live.model,
    message,
    frames: [],
    usage: live.usage,
    // The runtime keeps no partial text, and may lack a prompt it never took: then it no longer agrees with our history.
    contextLost: status !== 'completed' && (said || !accepted),
    now,
  };
  return { end, turn, events };
}

/** Tries until the store takes it: what was said is not dropped because a disk was full for a minute. */
async function storeUntilDone(end: TurnEnd, live: LiveTurn, deps: TurnRunnerDependencies): Promise<boolean> {
  for (;;) {
    try {
      return await deps.store.turns.end(end);
    } catch (error) {
      deps.logger.error({ err: error, turnId: live.turn.id }, 'the end of a turn could not be stored yet');
      if (!(error instanceof GatewayError) || error.code !== 'store_unavailable' || live.abandoned) return false;
      await delay(END_RETRY_MS);
    }
  }
}
