/** `npm run copy-store` as an operator runs it: from either engine to the other, killed, and with nothing lost. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'kysely';
import { openStore } from '../../src/store/open-store.ts';
import { hasUnfinishedCopy } from '../../src/store/unfinished-copy.ts';
import { runCommand, startCommand } from '../support/command.ts';
import { until } from '../turns/support/turns.ts';
import { everythingOf } from './support/installation.ts';
import { copied, copy, filled, openPlaces, type Place, type Places, SMALL, using } from './support/places.ts';

let places: Places;

before(async () => {
  places = await openPlaces();
});
after(() => places.close());

describe('A copy of an installation', () => {
  it('has every row as it was, to PostgreSQL and back', async () => {
    const [first, second, third] = [
      await filled(await places.sqlite()),
      await places.postgres(),
      await places.sqlite(),
    ];
    await copied(first, second);
    await copied(second, third);
    const [original, ...copies] = await Promise.all([first, second, third].map((place) => using(place, everythingOf)));
    for (const there of copies) assert.deepEqual(there, original);
    assert.equal(original?.messages?.length, SMALL.chats * SMALL.messages);
    for (const [table, rows] of Object.entries(original ?? {})) assert.ok(rows.length > 0, `${table} is tried`);
  });

  for (const [name, make] of [
    ['SQLite', () => places.sqlite()],
    ['PostgreSQL', () => places.postgres()],
  ] as const) {
    it(`is searched and written to on ${name} as the original was`, async () => {
      const from = await filled(name === 'SQLite' ? await places.postgres() : await places.sqlite());
      const to = await make();
      await copied(from, to);
      const [original, there] = [await openStore(from.location), await openStore(to.location)];
      for (const q of ['word2', 'Chat 4', 'acces', 'ås', 'nothing']) {
        const lists = await Promise.all([original, there].map((store) => store.chats.list('1001', { q, limit: 50 })));
        assert.deepEqual(lists[1]?.items, lists[0]?.items, q);
        assert.equal((lists[0]?.items.length ?? 0) > 0, q === 'word2' || q === 'Chat 4', q);
      }
      const session = 'user-1001-0198c5e2-7f00-7000-8000-000000000000';
      await there.sessionFiles.write(session, '/new', 'after the copy', 5);
      assert.equal(await there.sessionFiles.read(session, '/new'), 'after the copy', 'new ids follow the copied ones');
      await Promise.all([original.close(), there.close()]);
    });
  }

  it('keeps what an older version left that PostgreSQL refuses: NUL becomes U+FFFD', async () => {
    const [from, to] = [await filled(await places.sqlite()), await places.postgres()];
    await using(from, (db) =>
      db.write((kysely) => sql`update messages set content = ${'a\0b'} where seq = 2`.execute(kysely)),
    );
    await copied(from, to);
    const contents = await using(
      to,
      async ({ read }) =>
        (
          await sql<{ content: string }>`select distinct content
      from messages where seq = 2`.execute(read)
        ).rows,
    );
    assert.deepEqual(contents, [{ content: 'a\ufffdb' }]);
  });

  it('is told to be there when it is made again', async () => {
    const [from, to] = [await filled(await places.sqlite()), await places.postgres()];
    await copied(from, to);
    await copied(from, to);
  });

  it('needs little memory, however big its images are', { timeout: 120_000 }, async () => {
    const [from, to] = [await places.sqlite(), await places.postgres()];
    await filled(from, { chats: 36, messages: 1, imageBytes: 4_000_000 });
    const args = ['--from', from.url, '--to', to.url];
    const end = await runCommand('copy-store', args, { NODE_OPTIONS: '--max-old-space-size=96' });
    assert.deepEqual([end.code, end.err], [0, '']);
  });
});

describe('A copy that is killed', { timeout: 180_000 }, () => {
  for (const [name, from, to] of [
    ['to PostgreSQL', () => places.sqlite(), () => places.postgres()],
    ['to SQLite', () => places.postgres(), () => places.sqlite()],
  ] as const) {
    it(`goes on where it was, wherever that was, ${name}`, async () => {
      const [source, target] = [await filled(await from(), { chats: 40, messages: 10 }), await to()];
      const original = await using(source, everythingOf);
      const total = Object.values(original).flat().length;
      const killedAt: number[] = [];
      for (const share of [0.02, 0.2, 0.45, 0.7, 0.95, 1]) {
        const running = startCommand('copy-store', ['--from', source.url, '--to', target.url, '--step', '3']);
        const rows = await until(
          `${share} of it`,
          async () => {
            assert.equal(running.process.exitCode, null, 'it ended before it could be killed');
            const there = await rowsThere(target);
            return there >= share * total ? there : null;
          },
          60_000,
        );
        running.process.kill('SIGKILL');
        assert.equal((await running.ended).code, null);
        killedAt.push(rows);
        await assert.rejects(openStore(target.location), /being copied into this database/);
      }
      assert.equal(new Set(killedAt).size, killedAt.length, `killed at ${killedAt} of ${total}`);
      assert.ok((killedAt[1] ?? 0) < total && killedAt.at(-1) === total, 'in the middle, and while it was compared');
      await copied(source, target);
      assert.deepEqual(await using(target, everythingOf), original);
      await (await openStore(target.location)).close();
    });
  }

  it('sees that a row was changed, removed or added before it went on', async () => {
    for (const change of [
      sql`update messages set content = 'changed' where seq = 1`,
      sql`delete from attachments where message_id in (select id from messages where seq = 1 limit 1)`,
      sql`insert into api_tokens (id, user_id, name, scopes, created_at, expires_at) values ('a', '1001', '', '', 1, 2)`,
    ]) {
      const [source, target] = [
        await filled(await places.sqlite(), { chats: 40, messages: 4 }),
        await places.postgres(),
      ];
      const running = startCommand('copy-store', ['--from', source.url, '--to', target.url, '--step', '3']);
      await until('messages are there', async () => (await rowsThere(target)) >= 300, 60_000);
      running.process.kill('SIGKILL');
      await running.ended;
      // Whatever was on its way to the server has arrived or never will.
      await until('nobody works on it', () =>
        using(
          target,
          async ({ read }) =>
            (
              await sql`select 1 from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()`.execute(read)
            ).rows.length === 0,
        ),
      );
      await using(source, (db) => db.write((kysely) => change.execute(kysely)));
      const { code, err } = await copy(source, target);
      assert.equal(code, 1);
      assert.match(err, /The source was changed .* take an empty database and begin anew/);
      await assert.rejects(openStore(target.location), /being copied into this database/);
    }
  });
});

async function rowsThere(place: Place): Promise<number> {
  return using(place, async (database) => {
    if (!(await hasUnfinishedCopy(database))) return 0;
    const { rows } = await sql<{ value: string }>`select value from copy_progress where value like '{%'`.execute(
      database.read,
    );
    return rows.reduce((sum, { value }) => sum + JSON.parse(value).rows, 0);
  });
}
