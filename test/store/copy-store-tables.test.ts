/** No table can be forgotten by a copy: the list of them is held to the schema of both engines. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'kysely';
import { COPIED_TABLES, columnsOf, SEARCH_TABLE, tablesOf, unknownAmong } from '../../scripts/copy-store-tables.ts';
import type { Database } from '../../src/store/database.ts';
import { MIGRATIONS } from '../../src/store/migrations/migrations.ts';
import { migrate } from '../../src/store/migrator.ts';
import { ODD } from './support/installation.ts';
import { openPlaces, type Places, using } from './support/places.ts';

let places: Places;

before(async () => {
  places = await openPlaces();
});
after(() => places.close());

describe('The list of what is copied', () => {
  for (const [name, make] of [
    ['SQLite', () => places.sqlite()],
    ['PostgreSQL', () => places.postgres()],
  ] as const) {
    it(`has every table of ${name}, what is referred to first, each by its primary key`, async () => {
      const listed = [...COPIED_TABLES, SEARCH_TABLE];
      await using(await make(), async (database) => {
        await migrate(database, MIGRATIONS);
        const tables = await tablesOf(database);
        assert.deepEqual(unknownAmong(tables), []);
        assert.deepEqual(unknownAmong([...tables, 'notes']), ['notes'], 'a new table is noticed');
        for (const [index, { name, key }] of listed.entries()) {
          assert.ok(tables.includes(name), name);
          const earlier = listed.slice(0, index).map((table) => table.name);
          for (const parent of await parentsOf(database, name))
            assert.ok(earlier.includes(parent), `${parent} before ${name}`);
          assert.ok((await uniqueKeysOf(database, name)).includes(key.join()), `${name} by ${key}`);
          assert.ok((await columnsOf(database, name)).length >= key.length);
        }
      });
    });
  }

  it('tries the odd text that tests copy: every kind of sign is in it', () => {
    assert.ok(ODD.isWellFormed() && /[\u{10000}-\u{10ffff}]/u.test(ODD) && ODD.includes('\ufffd'));
  });
});

async function parentsOf({ engine, read }: Database, table: string): Promise<string[]> {
  const query =
    engine === 'postgres'
      ? sql<{ name: string }>`select confrelid::regclass::text as name from pg_constraint
          where contype = 'f' and conrelid = ${table}::regclass`
      : sql<{ name: string }>`select "table" as name from pragma_foreign_key_list(${table})`;
  return (await query.execute(read)).rows.map(({ name }) => name);
}

/** Column lists of unique keys, without blanks. */
async function uniqueKeysOf({ engine, read }: Database, table: string): Promise<string[]> {
  const query =
    engine === 'postgres'
      ? sql<{ columns: string }>`select pg_get_constraintdef(oid) as columns from pg_constraint
          where contype in ('p', 'u') and conrelid = ${table}::regclass`
      : sql<{ columns: string }>`select '(' || group_concat(name) || ')' as columns
          from (select name from pragma_table_info(${table}) where pk > 0 order by pk)
          union all select '(' || (select group_concat(name) from pragma_index_info(l.name)) || ')'
          from pragma_index_list(${table}) l where l."unique" = 1`;
  const { rows } = await query.execute(read);
  return rows.map(({ columns }) => /\((.*)\)/.exec(columns ?? '')?.[1]?.replace(/[ "]/g, '') ?? '');
}
