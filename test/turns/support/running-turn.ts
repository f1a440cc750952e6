/** What the small parts of turns are tried on. */
import type { TurnRecord } from '../../../src/store/records.ts';

/** A turn that runs here. */
export const TURN: TurnRecord = {
  id: 'turn',
  chatId: 'chat',
  userId: '1',
  status: 'running',
  userMessageId: 'question',
  messageId: null,
  model: 'm',
  createdAt: 1,
  startedAt: 2,
  endedAt: null,
  error: null,
  answerSeq: 2,
  cancelRequestedAt: null,
  owner: 'here',
  fence: 1,
  heartbeatAt: 2,
  background: false,
};
