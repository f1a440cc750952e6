/** What instances say to each other: kinds and ids, never content. Pure. */
import type { UserEvent } from '../turns/user-events.ts';

/** Whose right ended: of one web session, of one API token, or all of a user's. */
export interface EndedRight {
  readonly userId: string;
  readonly sessionId?: string;
  readonly tokenId?: string;
}

export type ClusterNotice =
  /** Something about the turn changed in the store. */
  | { readonly kind: 'turn'; readonly turnId: string }
  /** Something changed that the user's tabs show; `id` is the chat's or the turn's. */
  | { readonly kind: 'event'; readonly event: UserEvent['event']; readonly userId: string; readonly id: string }
  | ({ readonly kind: 'revoked' } & EndedRight);

const EVENTS: ReadonlySet<string> = new Set<UserEvent['event']>([
  'chat.created',
  'chat.updated',
  'chat.deleted',
  'turn.queued',
  'turn.started',
  'turn.ended',
]);

/** One line. */
export function encodeNotice(notice: ClusterNotice): string {
  switch (notice.kind) {
    case 'turn':
      return `turn ${notice.turnId}`;
    case 'event':
      return `event ${notice.event} ${notice.userId} ${notice.id}`;
    case 'revoked':
      return `revoked ${notice.userId} ${notice.sessionId ?? '-'} ${notice.tokenId ?? '-'}`;
  }
}

/** Null: an instance of another version said something this one does not know. */
export function decodeNotice(line: string): ClusterNotice | null {
  const [kind, first = '', second = '', third = ''] = line.split(' ');
  if (kind === 'turn' && first !== '') return { kind, turnId: first };
  if (kind === 'event' && EVENTS.has(first) && third !== '')
    return { kind, event: first as UserEvent['event'], userId: second, id: third };
  if (kind !== 'revoked' || third === '') return null;
  return {
    kind,
    userId: first,
    ...(second === '-' ? {} : { sessionId: second }),
    ...(third === '-' ? {} : { tokenId: third }),
  };
}

/** The notice by which other instances learn of `event`. */
export function noticeOf(userId: string, { event, data }: UserEvent): ClusterNotice {
  if ('turn' in data) return { kind: 'event', event, userId, id: data.turn.id };
  return { kind: 'event', event, userId, id: 'chat' in data ? data.chat.id : data.id };
}
