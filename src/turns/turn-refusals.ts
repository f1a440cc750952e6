/** Why a message was not taken, as the caller is told. */
import { GatewayError, notFound } from '../errors.ts';
import type { AcceptOutcome } from '../store/store.ts';

/** Seconds a caller is told to wait when too much is going on. */
const BUSY_RETRY_SECONDS = 2;

/** Outcomes that saved nothing. */
export type Refusal = Exclude<AcceptOutcome, { kind: 'accepted' | 'steered' | 'replayed' }>;

/** The error of a refusal. */
export function refusalError(refusal: Refusal): GatewayError {
  switch (refusal.kind) {
    case 'turn_running':
      return new GatewayError(
        'turn_running',
        'This chat is still answering. Wait for it, cancel it, or send with "delivery": "queue" or "steer".',
        { extensions: { turnId: refusal.turnId } },
      );
    case 'queue_full':
      return new GatewayError('queue_full', 'Too many messages wait in this chat already.', {
        retryAfter: BUSY_RETRY_SECONDS,
      });
    case 'too_many_turns':
      return new GatewayError('too_many_turns', 'You have as many turns going as you may. Wait for one to end.', {
        retryAfter: BUSY_RETRY_SECONDS,
      });
    case 'idempotency_mismatch':
      return new GatewayError(
        'idempotency_mismatch',
        'This Idempotency-Key was used with another request. Use a new key.',
      );
    case 'message_gone':
      return notFound('message');
    case 'chat_gone':
      return notFound('chat');
  }
}

/** What everybody hears while this instance closes. `turnId`: the turn goes on elsewhere or after the restart. */
export function shuttingDown(detail: string, turnId?: string): GatewayError {
  return new GatewayError('shutting_down', `This instance is shutting down. ${detail}`, {
    retryAfter: 1,
    ...(turnId === undefined ? {} : { extensions: { turnId } }),
  });
}
