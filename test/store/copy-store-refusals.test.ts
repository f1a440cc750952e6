/** What `npm run copy-store` does not do, and the words in which it says so. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'kysely';
import pg from 'pg';
import { tablesOf } from '../../scripts/copy-store-tables.ts';
import { MIGRATIONS } from '../../src/store/migrations/migrations.ts';
import { migrate } from '../../src/store/migrator.ts';
import { openDatabase, ownDatabase } from '../../src/store/open-store.ts';
import { runCommand } from '../support/command.ts';
import { everythingOf } from './support/installation.ts';
import { copied, copy, filled, openPlaces, type Place, type Places, using } from './support/places.ts';

let places: Places;

before(async () => {
  places = await openPlaces();
});
after(() => places.close());

describe('A copy is refused', () => {
  async function refused(from: Place, to: Place, reason: RegExp): Promise<void> {
    const before = await using(from, everythingOf);
    const { code, err, out } = await copy(from, to);
    assert.equal(code, 1, out);
    assert.match(err, reason);
    assert.deepEqual(await using(from, everythingOf), before, 'the source is as it was');
  }

  it('into what is not empty, and that stays as it is', async () => {
    const [from, to] = [await filled(await places.sqlite()), await filled(await places.postgres())];
    const before = await using(to, everythingOf);
    await refused(from, to, /^The target is not empty: it has rows in users\. Take an empty database\.$/m);
    assert.deepEqual(await using(to, everythingOf), before);
    await refused(to, from, /^The target is not empty/);
  });

  it('into part of a copy from elsewhere', async () => {
    const [from, to] = [await filled(await places.sqlite()), await places.postgres()];
    await using(to, (db) =>
      db.write((kysely) =>
        sql`create table copy_progress (name text primary key, value text not null)`.execute(kysely),
      ),
    );
    await using(to, (db) =>
      db.write((kysely) => sql`insert into copy_progress values ('the source', 'another')`.execute(kysely)),
    );
    await refused(from, to, /^The target has part of a copy from elsewhere/);
  });

  it('while a gateway runs on either database', async () => {
    const [file, database] = [await filled(await places.sqlite()), await places.postgres()];
    const owner = ownDatabase(file.location);
    for (const [from, to] of [
      [file, database],
      [database, file],
    ] as const) {
      const { code, err } = await copy(from, to);
      assert.equal(code, 1);
      assert.match(err, /^Another process runs on /);
    }
    owner[Symbol.dispose]();
    const gateway = new pg.Client({ connectionString: database.url, application_name: 'pilothouse-notices' });
    await gateway.connect();
    await refused(file, database, /^Gateways or workers run on the target: stop them first\.$/m);
    const other = await copy(database, await places.sqlite());
    assert.match(other.err, /^Gateways or workers run on the source/);
    await gateway.end();
    await copied(file, database);
  });

  it('while another copy is under way', async () => {
    const [from, to] = [await filled(await places.sqlite()), await places.postgres()];
    const other = openDatabase(to.location);
    const { err } = await other.withLock('copy-store', new AbortController().signal, () => copy(from, to));
    assert.match(err, /^Another copy works on one of the databases/);
    await other.close();
  });

  it('when a table is not known, the schema is old, or there is nothing to copy from', async () => {
    const [from, to] = [await filled(await places.sqlite()), await places.postgres()];
    await using(from, (db) => db.write((kysely) => sql`create table notes (id integer)`.execute(kysely)));
    await refused(from, to, /^It is not known how to copy notes of the source: nothing was copied\.$/m);
    assert.deepEqual(await using(to, tablesOf), []);
    const old = await places.sqlite();
    await using(old, (database) => migrate(database, MIGRATIONS.slice(0, 1)).catch(() => []));
    await using(old, (database) => database.write((kysely) => sql`select 1`.execute(kysely)));
    await refused(old, to, /this gateway needs \d+: migrate first/);
    const nowhere = await copy({ url: 'sqlite:/nowhere/at.db', location: { kind: 'sqlite', path: '' } }, to);
    assert.match(nowhere.err, /^There is no database at \/nowhere\/at\.db/);
    assert.match((await copy(from, from)).err, /the same database/);
    const slip = await runCommand('copy-store', ['--from', from.url, '--to', to.url, '--step', 'all']);
    assert.match(slip.err, /^--step is how many rows/);
    const typo = await copy({ url: 'postgre://a:secret@b/c', location: { kind: 'sqlite', path: '' } }, to);
    assert.match(typo.err, /^npm run copy-store -- --from/);
    assert.doesNotMatch(typo.err, /secret/);
  });
});
