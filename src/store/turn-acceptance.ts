/**
 * `accept`: a user message becomes a turn, in one transaction. Locks are taken in the order user, chat, turn, here and
 * wherever else two of them are held, so that nobody waits in a circle.
 *
 * The user's lock makes the count of their turns and their Idempotency-Keys exact under any number of parallel calls; the
 * chat's lock does it for places in the history (`max(seq) + 1` fails 16 of 20 times on PostgreSQL, D16).
 */
import type { Kysely } from 'kysely';
import type { Database } from './database.ts';
import { moveQuestion, removeTail, replacedMessage } from './history-replacement.ts';
import { type MessageRow, messageRecord, saveAttachments } from './message-record.ts';
import type { MessageRecord } from './records.ts';
import type { Schema } from './schema.ts';
import type { SearchIndex } from './search-index.ts';
import { storableText } from './storable-text.ts';
import type { AcceptOutcome, NewTurn } from './store.ts';
import { isForeignKeyViolation, isUniqueViolation } from './store-errors.ts';
import { AcceptStatements } from './turn-accept-statements.ts';
import { type Admission, admit } from './turn-admission.ts';
import { ownedTurn, type TurnRow } from './turn-record.ts';

type Transaction = Kysely<Schema>;

/** How a new turn begins: at once or queued, its message at which place. */
interface Start {
  readonly runs: boolean;
  readonly place: number;
}

/** Accepts turns. */
export class TurnAcceptance {
  readonly #database: Database;
  readonly #search: SearchIndex;
  readonly #statements: AcceptStatements;

  constructor(database: Database, search: SearchIndex) {
    this.#database = database;
    this.#search = search;
    this.#statements = new AcceptStatements(database);
  }

  /** Saves `turn`, or says why not. */
  async run(turn: NewTurn): Promise<AcceptOutcome> {
    const attempt = (): Promise<AcceptOutcome> => this.#database.early((trx) => this.#accept(trx, turn));
    try {
      return await attempt();
    } catch (error) {
      // The user was erased between our look and our write.
      if (isForeignKeyViolation(error)) return { kind: 'chat_gone' };
      // Someone's write got in between after all: with its rows visible the same question has its answer.
      if (isUniqueViolation(error)) return attempt();
      throw error;
    }
  }

  async #accept(trx: Transaction, turn: NewTurn): Promise<AcceptOutcome> {
    const { userId, chatId, idempotency } = turn;
    const chat = (await this.#statements.lockChat(trx, { userId, chatId })).rows[0];
    if (!chat) return { kind: 'chat_gone' };
    const earlier = idempotency
      ? ((await this.#statements.earlier(trx, { userId, key: idempotency.key })).rows[0] ?? null)
      : null;
    const active = earlier ? [] : (await this.#statements.active(trx, { userId })).rows;
    const admission = admit(turn, { earlier, active });
    switch (admission.kind) {
      case 'replayed':
        return { kind: 'replayed', turn: ownedTurn(admission.turn) };
      case 'run':
      case 'queue':
        return this.#begin(trx, turn, { runs: admission.kind === 'run', place: chat.next_seq });
      case 'steer':
        return this.#steer(trx, turn, admission, chat.next_seq);
      default:
        return admission;
    }
  }

  async #begin(trx: Transaction, turn: NewTurn, start: Start): Promise<AcceptOutcome> {
    const { chatId, replaces } = turn;
    if (replaces === undefined) return this.#start(trx, turn, start, null);
    const replaced = await replacedMessage(trx, chatId, replaces);
    if (replaced === null) return { kind: 'message_gone' };
    const asksAgain = replaces.kind === 'regenerate';
    await removeTail(trx, chatId, asksAgain ? replaced.seq + 1 : replaced.seq);
    return this.#start(trx, turn, start, asksAgain ? replaced : null);
  }

  /** `question`: the message that stands already; null: the turn's own is new. */
  async #start(
    trx: Transaction,
    turn: NewTurn,
    { runs, place }: Start,
    question: MessageRow | null,
  ): Promise<AcceptOutcome> {
    const row = { ...newTurnRow(turn, runs, place + 1), ...(question && { user_message_id: question.id }) };
    await this.#statements.insertTurn(trx, { ...row });
    const message = question
      ? await moveQuestion(trx, question, { turnId: row.id, seq: place })
      : await this.#save(trx, turn, row.id, place);
    await this.#remember(trx, turn, row.id);
    await this.#statements.advance(trx, { nextSeq: place + 2, now: turn.now, chatId: turn.chatId });
    return { kind: 'accepted', turn: ownedTurn(row), message };
  }

  /** Puts the message and the running turn's answer behind everything, and turns that wait behind them again, in order. */
  async #steer(
    trx: Transaction,
    turn: NewTurn,
    { running, queued }: Extract<Admission, { kind: 'steer' }>,
    place: number,
  ): Promise<AcceptOutcome> {
    const message = await this.#save(trx, turn, running.id, place);
    await this.#remember(trx, turn, running.id);
    await trx
      .updateTable('turns')
      .set({ answer_seq: place + 1 })
      .where('id', '=', running.id)
      .execute();
    let next = place + 2;
    for (const row of queued) {
      await trx.updateTable('messages').set({ seq: next }).where('id', '=', row.user_message_id).execute();
      await trx
        .updateTable('turns')
        .set({ answer_seq: next + 1 })
        .where('id', '=', row.id)
        .execute();
      next += 2;
    }
    await this.#statements.advance(trx, { nextSeq: next, now: turn.now, chatId: turn.chatId });
    return { kind: 'steered', turn: ownedTurn({ ...running, answer_seq: place + 1 }), message };
  }

  /** The message with all that comes with it. */
  async #save(trx: Transaction, turn: NewTurn, turnId: string, seq: number): Promise<MessageRecord> {
    const row = newMessageRow(turn, turnId, seq);
    await this.#statements.insertMessage(trx, { ...row });
    await saveAttachments(trx, turn.messageId, turn.attachments);
    const { chatId, userId, messageId } = turn;
    await this.#search.add(trx, { chatId, userId, source: messageId, text: row.content });
    return messageRecord(row, turn.attachments);
  }

  async #remember(trx: Transaction, { userId, idempotency, now }: NewTurn, turnId: string): Promise<void> {
    if (!idempotency) return;
    const { key, bodyHash } = idempotency;
    await this.#statements.insertKey(trx, { userId, key, bodyHash, turnId, now });
  }
}

function newTurnRow(turn: NewTurn, runs: boolean, answerSeq: number): TurnRow {
  return {
    id: turn.turnId,
    chat_id: turn.chatId,
    user_id: turn.userId,
    status: runs ? 'running' : 'queued',
    user_message_id: turn.messageId,
    message_id: null,
    model: turn.model,
    created_at: turn.now,
    started_at: runs ? turn.now : null,
    ended_at: null,
    error: null,
    answer_seq: answerSeq,
    cancel_requested_at: null,
    owner: runs ? turn.owner : null,
    fence: runs ? 1 : 0,
    heartbeat_at: runs ? turn.now : null,
    background: turn.background ? 1 : 0,
  };
}

function newMessageRow(turn: NewTurn, turnId: string, seq: number): MessageRow {
  return {
    chat_id: turn.chatId,
    seq,
    id: turn.messageId,
    turn_id: turnId,
    role: 'user',
    content: storableText(turn.content),
    model: null,
    status: 'complete',
    attachment_count: turn.attachments.length,
    created_at: turn.now,
  };
}
