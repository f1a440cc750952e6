/** The end of a turn: described, and stored before anyone is told. */
import type { Logger } from 'pino';
import type { GatewayError } from '../errors.ts';
import type { TurnRecord } from '../store/records.ts';
import type { OwnedTurn, Store, TurnEnd } from '../store/store.ts';
import type { FrameWriter } from './frame-writer.ts';
import type { LiveTurn } from './live-turn.ts';
import { untilStored } from './patience.ts';
import { conclude } from './turn-conclusion.ts';
import type { TurnEndStatus } from './turn-events.ts';

/** What storing an end needs. */
export interface TurnClosingDependencies {
  readonly store: Store;
  readonly writer: FrameWriter;
  readonly logger: Logger;
  readonly clock: () => number;
}

/** What a turn came to. */
export interface Outcome {
  readonly status: TurnEndStatus;
  readonly error: GatewayError | null;
}

/**
 * Tries until the store takes it, or until the instance closes.
 * @returns the ended turn; null: it is no longer ours; `joined`: a message came first that has to be answered
 */
export async function storeEnd(
  live: LiveTurn,
  outcome: Outcome,
  deps: TurnClosingDependencies,
): Promise<TurnRecord | 'joined' | null> {
  live.ending = true;
  deps.writer.forget(live);
  await live.writing?.catch(() => undefined);
  if (outcome.status === 'completed' && reopened(live)) return 'joined';
  const { turn, message, end, frames } = describeEnd(live, outcome, deps.clock());
  const log = { turnId: turn.id };
  const patience = {
    until: live.abandoned,
    onWait: (error: GatewayError) =>
      deps.logger.warn({ ...log, err: error }, 'the end of a turn could not be stored yet'),
  };
  try {
    if (!(await untilStored(() => deps.store.turns.end(end), patience)))
      return (await untilStored(() => takeOvertaking(live, deps), patience)) ? 'joined' : null;
  } catch (error) {
    deps.logger.error({ ...log, err: error }, 'the end of a turn could not be stored: it will be marked interrupted');
    return null;
  }
  live.answer = { turn, message };
  live.log.publish(frames);
  return turn;
}

/** The end was refused. Where the turn is still ours, messages joined it that another instance took. False: it is not. */
async function takeOvertaking(live: LiveTurn, { store }: TurnClosingDependencies): Promise<boolean> {
  const [standing] = await store.turns.standing([live.turn.id]);
  if (standing?.fence !== live.turn.fence) return false;
  for (const message of await store.turns.steered(live.turn.id, live.joinedSeq)) live.steer(message);
  return reopened(live);
}

/** A look at what joined may bring a message at any moment, also while the end is on its way to the store. */
function reopened(live: LiveTurn): boolean {
  if (!live.hasUnasked) return false;
  live.reopen();
  return true;
}

function describeEnd(live: LiveTurn, { status, error }: Outcome, now: number) {
  const content = live.text;
  const { turn, message, record, events } = conclude(live.turn, {
    status,
    error: error?.problem(live.requestId) ?? null,
    said: content === '' ? null : { content, createdAt: live.firstTextAt ?? now },
    model: live.model,
    now,
  });
  const frames = live.log.prepare(events);
  const end: TurnEnd = {
    turnId: turn.id,
    fence: turn.fence,
    status,
    error: turn.error,
    model: live.model,
    message,
    frames: [...live.unstored(), ...frames],
    usage: live.usage,
    // The runtime keeps no partial text, and may lack a prompt that failed early: only after a turn that went through is
    // what it knows what our history says.
    contextLost: status !== 'completed',
    ...(status === 'completed' ? { joinedSeq: live.joinedSeq } : {}),
    now,
  };
  return { turn: turn as OwnedTurn, message: record, end, frames };
}
