/**
 * Runs one turn: lease, conversation, end. Nothing here throws to its caller; whatever happens becomes the turn's end, and
 * the end is stored before anyone is told.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { GatewayError } from '../errors.ts';
import type { HistoryEntry, LeaseRequest, RuntimeEvent, Runtimes, RuntimeUser } from '../runtimes/runtime-port.ts';
import type { MessageRecord, TurnRecord, UsageRecord } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import { newId } from '../wire/ids.ts';
import type { CredentialSource } from './credential-source.ts';
import type { FrameWriter } from './frame-writer.ts';
import type { LiveTurn } from './live-turn.ts';
import { type Outcome, storeEnd } from './turn-closing.ts';
import { type TurnDeadlineLimits, TurnDeadlines } from './turn-deadlines.ts';
import { publicEvent } from './turn-events.ts';
import { retryDelay } from './turn-retry.ts';
import { turnView } from './turn-shapes.ts';
import type { TurnSubject } from './turn-subject.ts';
import { TurnTitles } from './turn-titles.ts';
import type { UserEvents } from './user-events.ts';

/** What running a turn needs. */
export interface TurnRunnerDependencies {
  readonly store: Store;
  readonly runtimes: Runtimes;
  readonly credentials: CredentialSource;
  readonly userEvents: UserEvents;
  readonly writer: FrameWriter;
  readonly logger: Logger;
  readonly limits: TurnDeadlineLimits;
  /** The operator's; a chat's own follows it. */
  readonly systemMessage: string;
  readonly clock: () => number;
}

/** What all tries of a turn share. */
interface Talking {
  readonly subject: TurnSubject;
  readonly titles: TurnTitles;
  readonly deps: TurnRunnerDependencies;
}

/** What the parts of one conversation share. */
interface Conversation extends Talking {
  readonly user: RuntimeUser;
  readonly deadlines: TurnDeadlines;
}

/** Runs `live` to its end. @returns the ended turn; null when it ended without us: fenced off, deleted, or given up */
export async function runTurn(
  live: LiveTurn,
  subject: TurnSubject,
  deps: TurnRunnerDependencies,
): Promise<TurnRecord | null> {
  live.emit({ event: 'turn.started', data: { turn: turnView(live.turn) } }, deps.clock());
  const titles = new TurnTitles(live, subject, deps);
  titles.fromFirstWords();
  const ended = await untilOver(live, { subject, titles, deps });
  if (ended === null) live.log.close();
  live.finish();
  return ended;
}

/** A failure that may pass is tried again, and an end that a message has overtaken is not one yet. */
async function untilOver(live: LiveTurn, about: Talking): Promise<TurnRecord | null> {
  for (let tries = 1; ; tries += 1) {
    const outcome = await converse(live, about);
    if (live.reason?.status === 'fenced') return null;
    if ((await isWorthAnother(live, outcome, tries, about.deps)) && (await beginAgain(live, about.deps))) continue;
    const ended = await storeEnd(live, stoppedOr(live, outcome), about.deps);
    if (ended !== 'joined') return ended;
  }
}

async function isWorthAnother(live: LiveTurn, { error }: Outcome, tries: number, deps: TurnRunnerDependencies) {
  if (error === null || live.signal.aborted) return false;
  const { background } = live.turn;
  const { code, retryAfter } = error;
  const ms = retryDelay({ background, silent: !live.spoke, code, retryAfter, tries }, Math.random());
  if (ms === null) return false;
  deps.logger.info({ turnId: live.turn.id, code, ms, tries }, 'a background turn is tried again');
  await delay(ms, undefined, { signal: live.signal }).catch(() => undefined);
  return !live.signal.aborted;
}

/** The runtime may remember the prompt of the try that failed, and would be asked twice: it is built anew. */
async function beginAgain(live: LiveTurn, { store, logger }: TurnRunnerDependencies): Promise<boolean> {
  try {
    await store.chats.bumpContextVersion(live.turn.chatId);
  } catch (error) {
    logger.warn({ err: error, turnId: live.turn.id }, 'a background turn could not be tried again');
    return false;
  }
  live.again();
  return true;
}

async function converse(live: LiveTurn, { subject: given, titles, deps }: Talking): Promise<Outcome> {
  const deadlines = new TurnDeadlines(deps.limits, (error) => live.stop({ status: 'failed', error }));
  let user: RuntimeUser | null = null;
  try {
    user = await deps.credentials.runtimeUser(live.turn.userId, live.signal);
    const subject = await asItIsNow(given, deps.store);
    await talk(live, { user, subject, titles, deadlines, deps });
    return stoppedOr(live, { status: 'completed', error: null });
  } catch (cause) {
    const error = asGatewayError(cause, live, deps.logger);
    if (error.code === 'reauth_required' && user !== null) await reject(user, deps);
    return stoppedOr(live, { status: 'failed', error });
  } finally {
    deadlines.stop();
    live.reachableThrough(null);
    await titles.settled();
  }
}

/**
 * The chat was read before its message was taken. A turn that ended in between may have left the runtime session behind
 * our history, which only the chat's newest version tells.
 */
async function asItIsNow(subject: TurnSubject, store: Store): Promise<TurnSubject> {
  const chat = await store.chats.findOwned(subject.chat.userId, subject.chat.id);
  return chat === null ? subject : { ...subject, chat };
}

async function reject(user: RuntimeUser, { credentials, logger }: TurnRunnerDependencies): Promise<void> {
  try {
    await credentials.rejected(user);
  } catch (error) {
    logger.warn({ err: error, userId: user.userId }, 'a rejected credential could not be marked');
  }
}

async function talk(live: LiveTurn, conversation: Conversation): Promise<void> {
  const { deps } = conversation;
  const lease = await deps.runtimes.lease(leaseRequest(live, conversation), live.signal);
  live.span.leased(lease.cold);
  let clean = false;
  try {
    // Messages that joined while the runtime could not take them get a run of their own, in this turn.
    for (let prompt = await live.nextPrompt(); prompt !== null; prompt = await live.nextPrompt()) {
      if (!live.silent) live.emit({ event: 'message.delta', data: { text: '\n\n' } }, deps.clock());
      for await (const event of lease.run(prompt, live.signal)) {
        if (event.type === 'accepted') live.reachableThrough(lease);
        hear(live, event, conversation);
      }
      live.reachableThrough(null);
    }
    clean = !live.signal.aborted;
  } finally {
    lease.release({ keepWarm: clean });
  }
}

function hear(live: LiveTurn, event: RuntimeEvent, { deadlines, titles, deps }: Conversation): void {
  if (event.type === 'accepted') {
    deadlines.accepted();
    return;
  }
  // A retry of the runtime's own is no sign that the model speaks: the clock of the first token goes on.
  if (event.type !== 'retrying' && event.type !== 'title') deadlines.alive();
  if (event.type === 'title') titles.fromRuntime(event.title);
  if (event.type === 'usage') note(live, event.usage, deps.clock());
  const told = publicEvent(event);
  if (told !== null) live.emit(told, deps.clock());
}

function note(live: LiveTurn, usage: Extract<RuntimeEvent, { type: 'usage' }>['usage'], now: number): void {
  const { model, inputTokens, outputTokens, cachedTokens, cost } = usage;
  const { id: turnId, chatId, userId } = live.turn;
  const counted = { model, inputTokens, outputTokens, cachedTokens, cost };
  const record: UsageRecord = { id: newId(), turnId, chatId, userId, ...counted, createdAt: now };
  live.model = model ?? live.model;
  live.usage.push(record);
}

function leaseRequest(live: LiveTurn, { user, subject: { chat, message }, deps }: Conversation): LeaseRequest {
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

/** A turn that was told to stop ends for that reason, whatever the runtime said last. */
function stoppedOr(live: LiveTurn, otherwise: Outcome): Outcome {
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
