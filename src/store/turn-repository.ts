/** Turns: accepted, claimed, kept alive, cancelled, ended. */
import { type Database, type PreparedQuery, slot } from './database.ts';
import { deleteKeys, findKeyUse, type KeyUse } from './idempotency-keys.ts';
import { messageRecords } from './message-record.ts';
import type { MessageRecord, TurnFrame, TurnRecord } from './records.ts';
import type { SearchIndex } from './search-index.ts';
import type { AcceptOutcome, NewTurn, OwnedTurn, TurnEnd, TurnRepository, TurnStanding, WaitingTurn } from './store.ts';
import { isUniqueViolation } from './store-errors.ts';
import { TurnAcceptance } from './turn-acceptance.ts';
import { TurnEnding } from './turn-ending.ts';
import { TurnFrames } from './turn-frames.ts';
import { ownedTurn, QUEUED, RUNNING, TURN_COLUMNS, type TurnRow, turnRecord } from './turn-record.ts';
import { chatsWithWork, waitingInBackground } from './turn-waiting.ts';

/** Bounds lists that other limits keep far shorter. */
const LIST_LIMIT = 1_000;

/** {@link TurnRepository} on either engine. */
export class SqlTurnRepository implements TurnRepository {
  readonly #database: Database;
  readonly #acceptance: TurnAcceptance;
  readonly #ending: TurnEnding;
  readonly #frames: TurnFrames;
  readonly #findOwned: PreparedQuery<TurnRow>;
  readonly #findQueued: PreparedQuery<{ id: string }>;

  constructor(database: Database, search: SearchIndex) {
    this.#database = database;
    this.#frames = new TurnFrames(database);
    this.#acceptance = new TurnAcceptance(database, search);
    this.#ending = new TurnEnding(database, search, this.#frames);
    this.#findOwned = database.prepare(
      'turns_find_owned',
      database.read
        .selectFrom('turns')
        .select(TURN_COLUMNS)
        .where('user_id', '=', slot<string>('userId'))
        .where('id', '=', slot<string>('turnId')),
    );
    this.#findQueued = database.prepare(
      'turns_find_queued',
      database.read
        .selectFrom('turns')
        .select('id')
        .where('chat_id', '=', slot<string>('chatId'))
        .where('ended_at', 'is', null)
        .where('status', '=', QUEUED)
        .limit(1),
    );
  }

  accept(turn: NewTurn): Promise<AcceptOutcome> {
    return this.#acceptance.run(turn);
  }

  end(end: TurnEnd): Promise<boolean> {
    return this.#ending.run(end);
  }

  appendFrames(turnId: string, fence: number, frames: TurnFrame[], now: number): Promise<boolean> {
    return this.#frames.append(turnId, fence, frames, now);
  }

  frames(turnId: string, after: number, limitBytes: number): Promise<TurnFrame[]> {
    return this.#frames.read(turnId, after, limitBytes);
  }

  deleteFrames(before: number, limit: number): Promise<number> {
    return this.#frames.deleteOld(before, limit);
  }

  async findOwned(userId: string, turnId: string): Promise<OwnedTurn | null> {
    const [row] = await this.#findOwned({ userId, turnId });
    return row ? ownedTurn(row) : null;
  }

  findByIdempotencyKey(userId: string, key: string): Promise<KeyUse | null> {
    return findKeyUse(this.#database, userId, key);
  }

  async claimNext(chatId: string, owner: string, now: number): Promise<OwnedTurn | null> {
    // Asked after every turn, and nearly always nothing waits: a read costs no commit.
    if ((await this.#findQueued({ chatId })).length === 0) return null;
    try {
      const row = await this.#database.write((db) =>
        db
          .updateTable('turns')
          .set((eb) => ({ status: 'running', owner, started_at: now, heartbeat_at: now, fence: eb('fence', '+', 1) }))
          .where('id', '=', (eb) =>
            eb
              .selectFrom('turns')
              .select('id')
              .where('chat_id', '=', chatId)
              .where('ended_at', 'is', null)
              .orderBy('answer_seq')
              .limit(1),
          )
          // The oldest active turn: if it runs, nothing is to do. Said of the row itself, so that PostgreSQL asks again
          // after it has waited for someone else's claim.
          .where('status', '=', QUEUED)
          .returning(TURN_COLUMNS)
          .executeTakeFirst(),
      );
      return row ? ownedTurn(row) : null;
    } catch (error) {
      // Another claim or `accept` was first: one running turn per chat is a unique index.
      if (isUniqueViolation(error)) return null;
      throw error;
    }
  }

  chatsWithWork(limit: number, kind: 'any' | 'foreground' = 'any'): Promise<string[]> {
    return chatsWithWork(this.#database, limit, kind);
  }

  waitingInBackground(before: number, limit: number): Promise<WaitingTurn[]> {
    return waitingInBackground(this.#database, before, limit);
  }

  async requestCancel(userId: string, turnId: string, now: number): Promise<OwnedTurn | null> {
    const row = await this.#database.transaction(async (trx) => {
      // A queued message stays in the history though the runtime never heard it: whoever starts the next turn has to see
      // that together with the cancellation. The chat first: locks go user, chat, turn (see `turn-acceptance.ts`).
      await trx
        .updateTable('chats')
        .set((eb) => ({ context_version: eb('context_version', '+', 1) }))
        .where('id', '=', (eb) =>
          eb
            .selectFrom('turns')
            .select('chat_id')
            .where('id', '=', turnId)
            .where('user_id', '=', userId)
            .where('status', '=', QUEUED),
        )
        .execute();
      return trx
        .updateTable('turns')
        .set((eb) => ({
          cancel_requested_at: eb.fn.coalesce('cancel_requested_at', eb.val(now)),
          ended_at: eb
            .case()
            .when('status', '=', QUEUED)
            .then(eb.cast<number>(eb.val(now), 'bigint'))
            .end(),
          status: eb
            .case()
            .when('status', '=', QUEUED)
            .then('cancelled' as const)
            .else(eb.ref('status'))
            .end(),
        }))
        .where('id', '=', turnId)
        .where('user_id', '=', userId)
        .where('ended_at', 'is', null)
        .returning(TURN_COLUMNS)
        .executeTakeFirst();
    });
    return row ? ownedTurn(row) : this.findOwned(userId, turnId);
  }

  async steered(turnId: string, afterSeq: number): Promise<MessageRecord[]> {
    const rows = await this.#database.read
      .selectFrom('messages')
      .innerJoin('turns', 'turns.chat_id', 'messages.chat_id')
      .selectAll('messages')
      .where('turns.id', '=', turnId)
      .where('messages.seq', '>', afterSeq)
      .whereRef('messages.turn_id', '=', 'turns.id')
      .whereRef('messages.id', '!=', 'turns.user_message_id')
      .where('messages.role', '=', 'user')
      .orderBy('messages.seq')
      .limit(LIST_LIMIT)
      .execute();
    return messageRecords(this.#database.read, rows);
  }

  async heartbeat(
    owner: string,
    turnIds: string[],
    now: number,
  ): Promise<{ id: string; fence: number; cancelRequestedAt: number | null }[]> {
    if (turnIds.length === 0) return [];
    const rows = await this.#database.write((db) =>
      db
        .updateTable('turns')
        .set({ heartbeat_at: now })
        .where('id', 'in', turnIds)
        .where('owner', '=', owner)
        .where('status', '=', RUNNING)
        .returning(['id', 'fence', 'cancel_requested_at'])
        .execute(),
    );
    return rows
      .filter((row) => row.cancel_requested_at !== null)
      .map((row) => ({ id: row.id, fence: row.fence, cancelRequestedAt: row.cancel_requested_at }));
  }

  async standing(turnIds: readonly string[]): Promise<TurnStanding[]> {
    if (turnIds.length === 0) return [];
    const rows = await this.#database.read
      .selectFrom('turns')
      .select(['id', 'fence', 'cancel_requested_at', 'answer_seq'])
      .where('id', 'in', turnIds)
      .where('status', '=', RUNNING)
      .execute();
    return rows.map((row) => ({
      id: row.id,
      fence: row.fence,
      cancelRequestedAt: row.cancel_requested_at,
      answerSeq: row.answer_seq,
    }));
  }

  async abandoned(before: number, owner: string | null, limit: number): Promise<TurnRecord[]> {
    const rows = await this.#database.read
      .selectFrom('turns')
      .select(TURN_COLUMNS)
      .where('status', '=', RUNNING)
      .where((eb) => eb.or([eb('heartbeat_at', '<', before), ...(owner === null ? [] : [eb('owner', '=', owner)])]))
      .orderBy('heartbeat_at')
      .limit(limit)
      .execute();
    return rows.map(turnRecord);
  }

  async active(chatId: string): Promise<OwnedTurn[]> {
    const rows = await this.#database.read
      .selectFrom('turns')
      .select(TURN_COLUMNS)
      .where('chat_id', '=', chatId)
      .where('ended_at', 'is', null)
      .orderBy('answer_seq')
      .limit(LIST_LIMIT)
      .execute();
    return rows.map(ownedTurn);
  }

  async activeOfUser(userId: string): Promise<OwnedTurn[]> {
    const rows = await this.#database.read
      .selectFrom('turns')
      .select(TURN_COLUMNS)
      .where('user_id', '=', userId)
      .where('ended_at', 'is', null)
      .orderBy('created_at')
      .orderBy('id')
      .limit(LIST_LIMIT)
      .execute();
    return rows.map(ownedTurn);
  }

  deleteIdempotencyKeys(before: number, limit: number): Promise<number> {
    return deleteKeys(this.#database, before, limit);
  }
}
