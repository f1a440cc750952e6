/** A turn's event log: a row per batch, frames again when read. */
import type { Kysely } from 'kysely';
import { type Database, type PreparedQuery, slot } from './database.ts';
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

/**
 * Stores what of `frames` is not stored yet, in the caller's transaction. `lastId` is the last one that is: after a lost
 * connection a caller cannot know whether its last batch arrived, so sending it again is no error.
 * @throws Error when frames are missing between: a log with a gap must not come to be.
 */
export async function storeFrames(
  trx: Kysely<Schema>,
  turnId: string,
  lastId: number,
  frames: readonly TurnFrame[],
): Promise<void> {
  const fresh = frames.filter((frame) => frame.id > lastId);
  const last = fresh.at(-1);
  if (!last) return;
  if (fresh.some((frame, index) => frame.id !== lastId + 1 + index)) {
    throw new Error(`frames of turn ${turnId} do not follow ${lastId}: ${fresh[0]?.id}–${last.id}`);
  }
  const text = JSON.stringify(fresh.flatMap((frame) => [frame.event, storableText(frame.data)]));
  await trx
    .insertInto('turn_events')
    .values({ turn_id: turnId, first_id: lastId + 1, last_id: last.id, frames: text })
    .execute();
  await trx.updateTable('turns').set({ last_frame_id: last.id }).where('id', '=', turnId).execute();
}

/** Reads and writes of the log that stand alone. */
export class TurnFrames {
  readonly #database: Database;
  readonly #batches: PreparedQuery<BatchRow>;

  constructor(database: Database) {
    this.#database = database;
    this.#batches = database.prepare(
      'turn_events_after',
      database.read
        .selectFrom('turn_events')
        .select(['first_id', 'last_id', 'frames'])
        .where('turn_id', '=', slot<string>())
        .where('last_id', '>', slot<number>())
        .orderBy('first_id')
        .limit(BATCHES),
    );
  }

  /** Appends and signs life. False: fenced off or ended. */
  async append(turnId: string, fence: number, frames: TurnFrame[], now: number): Promise<boolean> {
    return this.#database.transaction(async (trx) => {
      // An update, not a look: on PostgreSQL it locks the row, so that the turn cannot end in between.
      const turn = await trx
        .updateTable('turns')
        .set({ heartbeat_at: now })
        .where('id', '=', turnId)
        .where('fence', '=', fence)
        .where('status', '=', RUNNING)
        .returning('last_frame_id')
        .executeTakeFirst();
      if (!turn) return false;
      await storeFrames(trx, turnId, turn.last_frame_id, frames);
      return true;
    });
  }

  /** Frames after `after`, about `limitBytes` of data, at least one if there is one. */
  async read(turnId: string, after: number, limitBytes: number): Promise<TurnFrame[]> {
    const frames: TurnFrame[] = [];
    let bytes = 0;
    let last = after;
    for (;;) {
      const batches = await this.#batches(turnId, last);
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
