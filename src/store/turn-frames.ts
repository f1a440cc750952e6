/** A turn's event log: a row per batch, frames again when read. */
import type { Kysely } from 'kysely';
import { type Database, type PreparedQuery, type Statement, slot, slots } from './database.ts';
import type { TurnFrame } from './records.ts';
import type { Schema } from './schema.ts';
import { storableText } from './storable-text.ts';
import { RUNNING } from './turn-record.ts';

/** Batches read at once: about 1 s of a turn each. */
const BATCHES = 16;

interface BatchRow {
  first_id: number;
  last_id: number;
  frames: string;
}

/** The log of all turns. */
export class TurnFrames {
  readonly #database: Database;
  readonly #batches: PreparedQuery<BatchRow>;
  readonly #insert: Statement<unknown>;

  constructor(database: Database) {
    this.#database = database;
    const { read } = database;
    this.#batches = database.prepare(
      'turn_events_after',
      read
        .selectFrom('turn_events')
        .select(['first_id', 'last_id', 'frames'])
        .where('turn_id', '=', slot<string>('turnId'))
        .where('last_id', '>', slot<number>('after'))
        .orderBy('first_id')
        .limit(BATCHES),
    );
    this.#insert = database.statement(
      'turn_events_insert',
      read.insertInto('turn_events').values(slots(['turn_id', 'first_id', 'last_id', 'frames'])),
    );
  }

  /**
   * Stores what of `frames` is not stored yet, in the caller's transaction, and returns the id of the last one that is.
   * `lastId` was it before: after a lost connection a caller cannot know whether its last batch arrived, so sending it
   * again is no error.
   * @throws Error when frames are missing between: a log with a gap must not come to be.
   */
  async store(trx: Kysely<Schema>, turnId: string, lastId: number, frames: readonly TurnFrame[]): Promise<number> {
    const fresh = frames.filter((frame) => frame.id > lastId);
    const last = fresh.at(-1);
    if (!last) return lastId;
    if (fresh.some((frame, index) => frame.id !== lastId + 1 + index)) {
      throw new Error(`frames of turn ${turnId} do not follow ${lastId}: ${fresh[0]?.id}–${last.id}`);
    }
    const text = JSON.stringify(fresh.flatMap((frame) => [frame.event, storableText(frame.data)]));
    await this.#insert(trx, { turn_id: turnId, first_id: lastId + 1, last_id: last.id, frames: text });
    return last.id;
  }

  /** Appends and signs life. False: fenced off or ended. */
  async append(turnId: string, fence: number, frames: TurnFrame[], now: number): Promise<boolean> {
    return this.#database.transaction(async (trx) => {
      const turn = await trx
        .selectFrom('turns')
        .select('last_frame_id')
        .where('id', '=', turnId)
        .where('fence', '=', fence)
        .where('status', '=', RUNNING)
        // So that the turn cannot end in between.
        .$if(this.#database.engine === 'postgres', (query) => query.forNoKeyUpdate())
        .executeTakeFirst();
      if (!turn) return false;
      const last = await this.store(trx, turnId, turn.last_frame_id, frames);
      await trx.updateTable('turns').set({ heartbeat_at: now, last_frame_id: last }).where('id', '=', turnId).execute();
      return true;
    });
  }

  /** Frames after `after`, about `limitBytes` of data, at least one if there is one. */
  async read(turnId: string, after: number, limitBytes: number): Promise<TurnFrame[]> {
    const frames: TurnFrame[] = [];
    let bytes = 0;
    let last = after;
    for (;;) {
      const batches = await this.#batches({ turnId, after: last });
      for (const batch of batches) {
        for (const frame of framesOf(batch)) {
          if (frame.id <= after) continue;
          bytes += Buffer.byteLength(frame.data);
          if (bytes > limitBytes && frames.length > 0) return frames;
          frames.push(frame);
        }
        last = batch.last_id;
      }
      if (batches.length < BATCHES) return frames;
    }
  }

  /** Drops the logs of up to `limit` turns that ended before `before`. */
  async deleteOld(before: number, limit: number): Promise<number> {
    return this.#database.transaction(async (trx) => {
      const turns = await trx
        .selectFrom('turns')
        .select('id')
        .where('ended_at', '<', before)
        .where('last_frame_id', '>', (eb) => eb.lit(0))
        .orderBy('ended_at')
        .limit(limit)
        .$if(this.#database.engine === 'postgres', (query) => query.forNoKeyUpdate().skipLocked())
        .execute();
      if (turns.length === 0) return 0;
      const ids = turns.map((turn) => turn.id);
      await trx.deleteFrom('turn_events').where('turn_id', 'in', ids).execute();
      await trx.updateTable('turns').set({ last_frame_id: 0 }).where('id', 'in', ids).execute();
      return ids.length;
    });
  }
}

function framesOf(batch: BatchRow): TurnFrame[] {
  const parts: string[] = JSON.parse(batch.frames);
  const frames: TurnFrame[] = [];
  for (let index = 0; index + 1 < parts.length; index += 2) {
    frames.push({ id: batch.first_id + index / 2, event: parts[index] ?? '', data: parts[index + 1] ?? '' });
  }
  return frames;
}
