/** `end`: everything a turn leaves behind, in one transaction and once. */
import { type Kysely, sql } from 'kysely';
import { type Database, type Statement, slot, slots } from './database.ts';
import { MESSAGE_COLUMNS } from './message-record.ts';
import type { Schema } from './schema.ts';
import type { SearchIndex } from './search-index.ts';
import { storableText } from './storable-text.ts';
import type { TurnEnd } from './store.ts';
import type { TurnFrames } from './turn-frames.ts';
import { RUNNING } from './turn-record.ts';
import { usageRow } from './usage-repository.ts';

interface LockedTurn {
  chat_id: string;
  user_id: string;
  answer_seq: number;
  last_frame_id: number;
}

const USAGE_COLUMNS = [
  'id',
  'turn_id',
  'chat_id',
  'user_id',
  'model',
  'input_tokens',
  'output_tokens',
  'cached_tokens',
  'cost',
  'created_at',
] as const;

/** Ends running turns. */
export class TurnEnding {
  readonly #database: Database;
  readonly #search: SearchIndex;
  readonly #frames: TurnFrames;
  readonly #lock: Statement<LockedTurn>;
  readonly #close: Statement<unknown>;
  readonly #touchChat: Statement<unknown>;
  readonly #saveAnswer: Statement<unknown>;
  readonly #saveUsage: Statement<unknown>;

  constructor(database: Database, search: SearchIndex, frames: TurnFrames) {
    this.#database = database;
    this.#search = search;
    this.#frames = frames;
    const { read } = database;
    this.#lock = database.statement('end_lock', lockChatAndTurn(database));
    this.#close = database.statement('end_turn', closeTurn(database));
    this.#touchChat = database.statement(
      'end_chat',
      read
        .updateTable('chats')
        .set((eb) => ({
          updated_at: slot<number>('now'),
          context_version: eb('context_version', '+', lostOrPassedOver()),
          history_version: eb('history_version', '+', 1),
        }))
        .where('id', '=', slot<string>('chatId')),
    );
    this.#saveAnswer = database.statement('end_message', read.insertInto('messages').values(slots(MESSAGE_COLUMNS)));
    this.#saveUsage = database.statement('end_usage', read.insertInto('usage_records').values(slots(USAGE_COLUMNS)));
  }

  /** False: its fence has moved on, it has ended, or a message joined that it does not know; nothing was written. */
  run(end: TurnEnd): Promise<boolean> {
    return this.#database.transaction(async (trx) => {
      const { turnId, fence, now } = end;
      const turn = (await this.#lock(trx, { turnId, fence })).rows[0];
      if (!turn || joinedUnseen(end, turn)) return false;
      const lastFrame = await this.#frames.store(trx, turnId, turn.last_frame_id, end.frames);
      await this.#close(trx, {
        turnId,
        now,
        lastFrame,
        status: end.status,
        error: end.error === null ? null : JSON.stringify(end.error),
        model: end.model,
        messageId: end.message?.id ?? null,
      });
      await this.#answer(trx, end, turn);
      for (const usage of end.usage) await this.#saveUsage(trx, { ...usageRow(usage) });
      const lost = end.contextLost ? 1 : 0;
      await this.#touchChat(trx, { now, lost, turnId, chatId: turn.chat_id });
      return true;
    });
  }

  async #answer(trx: Kysely<Schema>, { turnId, message }: TurnEnd, turn: LockedTurn): Promise<void> {
    if (!message) return;
    const content = storableText(message.content);
    await this.#saveAnswer(trx, {
      chat_id: turn.chat_id,
      seq: turn.answer_seq,
      id: message.id,
      turn_id: turnId,
      role: 'assistant',
      content,
      model: message.model,
      status: message.status,
      attachment_count: 0,
      created_at: message.createdAt,
    });
    const { chat_id: chatId, user_id: userId } = turn;
    await this.#search.add(trx, { chatId, userId, source: message.id, text: content });
  }
}

/**
 * 1 when the runtime session can no longer be trusted: the caller says so, or a message that waited behind this turn was
 * cancelled: it stays in the history behind this turn's question, this turn's session may have been opened after that and
 * without it, and the next turn has to see that.
 */
function lostOrPassedOver() {
  const turnId = slot<string>('turnId');
  return sql<number>`case when ${slot<number>('lost')} = 1 or exists (
    select 1 from turns passed where passed.chat_id = chats.id and passed.id <> ${turnId}
      and passed.ended_at is not null and passed.answer_seq > (
        select question.seq from messages question join turns ending on question.id = ending.user_message_id
        where ending.id = ${turnId}
      )
  ) then 1 else 0 end`;
}

/** A message that joins takes the place right before the answer's. */
function joinedUnseen({ joinedSeq }: TurnEnd, turn: LockedTurn): boolean {
  return joinedSeq !== undefined && turn.answer_seq - 1 > joinedSeq;
}

/** The chat's row first, by the order of the tables: locks go user, chat, turn (see `turn-acceptance.ts`). */
function lockChatAndTurn(database: Database) {
  return database.read
    .selectFrom('chats')
    .innerJoin('turns', 'turns.chat_id', 'chats.id')
    .select(['turns.chat_id', 'turns.user_id', 'turns.answer_seq', 'turns.last_frame_id'])
    .where('turns.id', '=', slot<string>('turnId'))
    .where('turns.fence', '=', slot<number>('fence'))
    .where('turns.status', '=', RUNNING)
    .$if(database.engine === 'postgres', (query) => query.forNoKeyUpdate());
}

function closeTurn(database: Database) {
  return database.read
    .updateTable('turns')
    .set({
      status: slot<string>('status') as never,
      ended_at: slot<number>('now'),
      error: slot<string>('error'),
      model: slot<string>('model'),
      message_id: slot<string>('messageId'),
      last_frame_id: slot<number>('lastFrame'),
    })
    .where('id', '=', slot<string>('turnId'));
}
