/** What waits to be run. */
import type { Database } from './database.ts';
import type { WaitingTurn } from './store.ts';
import { QUEUED, RUNNING } from './turn-record.ts';

/** See `TurnRepository.chatsWithWork`. */
export async function chatsWithWork({ read }: Database, limit: number, kind: 'any' | 'foreground'): Promise<string[]> {
  const rows = await read
    .selectFrom('turns')
    .select('chat_id')
    .where('ended_at', 'is', null)
    .groupBy('chat_id')
    .having((eb) => eb(eb.fn.sum(eb.case().when('status', '=', RUNNING).then(eb.lit(1)).else(eb.lit(0)).end()), '=', 0))
    .$if(kind === 'foreground', (query) => query.having((eb) => eb(eb.fn.min('background'), '=', 0)))
    .orderBy((eb) => eb.fn.min('created_at'))
    .limit(limit)
    .execute();
  return rows.map((row) => row.chat_id);
}

/** See `TurnRepository.waitingInBackground`. */
export async function waitingInBackground({ read }: Database, before: number, limit: number): Promise<WaitingTurn[]> {
  const rows = await read
    .selectFrom('turns')
    .select(['id', 'chat_id', 'user_id'])
    .where('ended_at', 'is', null)
    .where('status', '=', QUEUED)
    .where('background', '=', 1)
    .where('created_at', '<', before)
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('turns as running')
            .select('running.id')
            .whereRef('running.chat_id', '=', 'turns.chat_id')
            .where('running.status', '=', RUNNING),
        ),
      ),
    )
    .orderBy('created_at')
    .limit(limit)
    .execute();
  return rows.map(({ id, chat_id: chatId, user_id: userId }) => ({ id, chatId, userId }));
}
