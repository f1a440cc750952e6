/** The engine's clock: on PostgreSQL the server's, whatever the machines of the instances believe. */
import { sql } from 'kysely';
import type { Database } from './database.ts';

/** @returns milliseconds since the epoch, with fractions */
export async function databaseTime({ engine, read }: Database): Promise<number> {
  if (engine === 'sqlite') return Date.now();
  const { rows } = await sql<{ now: number }>`select
    (extract(epoch from clock_timestamp()) * 1000)::double precision as now`.execute(read);
  return rows[0]?.now ?? Date.now();
}
