/** What a turn is about. */
import type { ChatRecord, MessageRecord } from '../store/records.ts';

export interface TurnSubject {
  readonly chat: ChatRecord;
  readonly message: MessageRecord;
}
