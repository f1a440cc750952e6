/** The statements of `accept`, their SQL made once. */
import { type Database, type Statement, slot, slots } from './database.ts';
import { MESSAGE_COLUMNS } from './message-record.ts';
import { TURN_COLUMN_NAMES, TURN_COLUMNS, type TurnRow } from './turn-record.ts';

/** What each of them is for stands in `turn-acceptance.ts`. */
export class AcceptStatements {
  /** Locks the user's row, then the chat's, by the order of the tables. SQLite's one writer needs no lock. */
  readonly lockChat: Statement<{ next_seq: number }>;
  /** What the user's Idempotency-Key was used for. */
  readonly earlier: Statement<TurnRow & { body_hash: string }>;
  /** Queued and running turns of the user, in order of their places. */
  readonly active: Statement<TurnRow>;
  readonly insertTurn: Statement<unknown>;
  readonly insertMessage: Statement<unknown>;
  readonly insertKey: Statement<unknown>;
  readonly advance: Statement<unknown>;

  constructor(database: Database) {
    const db = database.read;
    this.lockChat = database.statement('accept_lock', lockUserAndChat(database));
    this.earlier = database.statement('accept_earlier', earlierTurn(database));
    this.active = database.statement(
      'accept_active',
      db
        .selectFrom('turns')
        .select(TURN_COLUMNS)
        .where('user_id', '=', slot<string>('userId'))
        .where('ended_at', 'is', null)
        .orderBy('answer_seq'),
    );
    this.insertTurn = database.statement('accept_turn', db.insertInto('turns').values(slots(TURN_COLUMN_NAMES)));
    this.insertMessage = database.statement('accept_message', db.insertInto('messages').values(slots(MESSAGE_COLUMNS)));
    this.insertKey = database.statement(
      'accept_key',
      db.insertInto('idempotency_keys').values({
        user_id: slot<string>('userId'),
        key: slot<string>('key'),
        body_hash: slot<string>('bodyHash'),
        turn_id: slot<string>('turnId'),
        created_at: slot<number>('now'),
      }),
    );
    this.advance = database.statement(
      'accept_chat',
      db
        .updateTable('chats')
        .set((eb) => ({
          next_seq: slot<number>('nextSeq'),
          updated_at: slot<number>('now'),
          history_version: eb('history_version', '+', 1),
        }))
        .where('id', '=', slot<string>('chatId')),
    );
  }
}

function lockUserAndChat(database: Database) {
  return database.read
    .selectFrom('users')
    .innerJoin('chats', 'chats.user_id', 'users.id')
    .select('chats.next_seq')
    .where('users.id', '=', slot<string>('userId'))
    .where('chats.id', '=', slot<string>('chatId'))
    .$if(database.engine === 'postgres', (query) => query.forNoKeyUpdate());
}

function earlierTurn(database: Database) {
  return database.read
    .selectFrom('idempotency_keys')
    .innerJoin('turns', 'turns.id', 'idempotency_keys.turn_id')
    .select(TURN_COLUMNS)
    .select('idempotency_keys.body_hash')
    .where('idempotency_keys.user_id', '=', slot<string>('userId'))
    .where('idempotency_keys.key', '=', slot<string>('key'));
}
