/** Ids that the database gives out go on after the copied ones. */
import { sql } from 'kysely';
import type { Database } from '../src/store/database.ts';
import type { CopiedTable } from './copy-store-tables.ts';

/** SQLite does so by itself. */
export async function continueIdentity(database: Database, { name, key: [id = 'id'] }: CopiedTable): Promise<void> {
  if (database.engine === 'sqlite') return;
  await database.write((db) =>
    sql`select setval(pg_get_serial_sequence(${name}, ${id}), (select coalesce(max(${sql.ref(id)}), 0) + 1
      from ${sql.table(name)}), false)`.execute(db),
  );
}
