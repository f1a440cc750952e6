/** Whether a new turn may be, and how: the policy of `accept`, a pure function of what the store found. */
import type { NewTurn } from './store.ts';
import type { TurnRow } from './turn-record.ts';

/** What was found while the user and the chat were locked. */
export interface Circumstances {
  /** What the Idempotency-Key was used for before. */
  earlier: (TurnRow & { body_hash: string }) | null;
  /** Queued and running turns of the user, in order of their places. */
  active: readonly TurnRow[];
}

/** What to do. `run` and `queue` make a turn. */
export type Admission =
  | { kind: 'run' }
  | { kind: 'queue' }
  | { kind: 'steer'; running: TurnRow; queued: readonly TurnRow[] }
  | { kind: 'replayed'; turn: TurnRow }
  | { kind: 'idempotency_mismatch' }
  | { kind: 'turn_running'; turnId: string }
  | { kind: 'queue_full' }
  | { kind: 'too_many_turns' };

/** Decides about `turn`. A retry is recognised first, so that it is answered alike whatever happened since. */
export function admit(turn: NewTurn, { earlier, active }: Circumstances): Admission {
  if (earlier) {
    // The hash covers the chat where the caller named one; where he named none, a retry comes with a chat of its own.
    const same = earlier.body_hash === turn.idempotency?.bodyHash;
    return same ? { kind: 'replayed', turn: earlier } : { kind: 'idempotency_mismatch' };
  }
  const inChat = active.filter((row) => row.chat_id === turn.chatId);
  const running = inChat.find((row) => row.status === 'running');
  const queued = inChat.filter((row) => row.status === 'queued');
  const first = running ?? queued[0];
  // A turn that was asked to stop will not read what joins it: the message waits for its own turn.
  if (turn.delivery === 'steer' && running?.cancel_requested_at === null) return { kind: 'steer', running, queued };
  if (turn.delivery === 'reject' && first) return { kind: 'turn_running', turnId: first.id };
  if (first && queued.length >= turn.limits.queuePerChat) return { kind: 'queue_full' };
  if (active.length >= turn.limits.turnsPerUser) return { kind: 'too_many_turns' };
  return { kind: first || turn.owner === null ? 'queue' : 'run' };
}
