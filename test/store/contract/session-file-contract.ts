/** Files of runtime sessions. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { Store } from '../../../src/store/store.ts';
import { atOnce, newChat, newUser, type StoreUnderTest } from './fixtures.ts';

/** Registers the tests. */
export function sessionFileContract({ fresh }: StoreUnderTest): void {
  describe('session files', () => {
    let store: Store;
    let sessions = 0;
    before(async () => {
      store = await fresh();
    });
    const newSession = (): string => {
      sessions += 1;
      return `user-1-chat-${sessions}`;
    };

    it('a written file reads back, with its size in bytes and its times', async () => {
      const session = newSession();
      await store.sessionFiles.write(session, '/a/b/file', 'héllo', 10);
      await store.sessionFiles.write(session, '/a/b/file', '안녕', 20);
      assert.equal(await store.sessionFiles.read(session, '/a/b/file'), '안녕');
      const stat = { kind: 'file', size: 6, createdAt: 10, modifiedAt: 20 };
      assert.deepEqual(await store.sessionFiles.stat(session, '/a/b/file'), stat);
      assert.equal(await store.sessionFiles.read(newSession(), '/a/b/file'), null, 'another session has its own');
    });

    it('an empty file is a file, an absent one is not, a directory is no file', async () => {
      const session = newSession();
      await store.sessionFiles.write(session, '/d/empty', '', 10);
      assert.equal(await store.sessionFiles.read(session, '/d/empty'), '');
      assert.equal(await store.sessionFiles.read(session, '/d/none'), null);
      assert.equal(await store.sessionFiles.read(session, '/d'), null);
      assert.equal(await store.sessionFiles.stat(session, '/d/none'), null);
    });

    it('what is appended is appended, in order, also after a write and by 20 at once', async () => {
      const session = newSession();
      await store.sessionFiles.append(session, '/log', 'a\n', 10);
      await store.sessionFiles.write(session, '/log', 'b\n', 11);
      await store.sessionFiles.append(session, '/log', '', 12);
      await store.sessionFiles.append(session, '/log', 'é\n', 13);
      assert.equal(await store.sessionFiles.read(session, '/log'), 'b\né\n');
      assert.equal((await store.sessionFiles.stat(session, '/log'))?.size, 5);
      await atOnce(20, (index) => store.sessionFiles.append(session, '/new/log', `line ${index}\n`, 20));
      const lines = (await store.sessionFiles.read(session, '/new/log'))?.trimEnd().split('\n') ?? [];
      assert.equal(lines.length, 20);
      assert.deepEqual(new Set(lines), new Set(Array.from({ length: 20 }, (_, index) => `line ${index}`)));
    });

    it('directories come with files or by themselves, are listed by name, and stay when they are empty', async () => {
      const session = newSession();
      assert.deepEqual(await store.sessionFiles.list(session, '/'), []);
      await store.sessionFiles.write(session, '/state/z/deep', 'x', 10);
      await store.sessionFiles.write(session, '/state/b.txt', 'x', 10);
      await store.sessionFiles.mkdir(session, '/state/made/by/hand', 10);
      await store.sessionFiles.mkdir(session, '/state/made', 20);
      assert.deepEqual(await store.sessionFiles.list(session, '/'), [{ name: 'state', kind: 'directory' }]);
      assert.deepEqual(await store.sessionFiles.list(session, '/state/'), [
        { name: 'b.txt', kind: 'file' },
        { name: 'made', kind: 'directory' },
        { name: 'z', kind: 'directory' },
      ]);
      await store.sessionFiles.remove(session, '/state/z/deep');
      assert.deepEqual(await store.sessionFiles.list(session, '/state/z'), []);
      const stat = { kind: 'directory', size: 0, createdAt: 10, modifiedAt: 10 };
      assert.deepEqual(await store.sessionFiles.stat(session, '/state/made'), stat);
      assert.equal((await store.sessionFiles.stat(session, '/'))?.kind, 'directory');
    });

    it('one path has one form', async () => {
      const session = newSession();
      await store.sessionFiles.write(session, '//a/./b/../c', 'x', 10);
      assert.equal(await store.sessionFiles.read(session, '/a/c'), 'x');
      assert.equal(await store.sessionFiles.read(session, '/../a/c'), 'x');
      assert.equal(await store.sessionFiles.stat(session, '/a/b'), null);
      await assert.rejects(store.sessionFiles.write(session, 'relative', 'x', 10), { code: 'EINVAL' });
    });

    it('removes a file or a whole directory, and nothing beside it', async () => {
      const session = newSession();
      for (const path of ['/d/one', '/d/sub/two', '/d.txt', '/d0', '/e']) {
        await store.sessionFiles.write(session, path, 'x', 10);
      }
      assert.equal(await store.sessionFiles.remove(session, '/d'), true);
      assert.equal(await store.sessionFiles.remove(session, '/d'), false);
      assert.equal(await store.sessionFiles.remove(session, '/e'), true);
      const names = (await store.sessionFiles.list(session, '/')).map((entry) => entry.name);
      assert.deepEqual(names, ['d.txt', 'd0']);
    });

    it('moves a file over another and a directory with all below it', async () => {
      const session = newSession();
      await store.sessionFiles.write(session, '/new', 'fresh', 10);
      await store.sessionFiles.write(session, '/old', 'stale', 10);
      await store.sessionFiles.rename(session, '/new', '/old', 20);
      assert.equal(await store.sessionFiles.read(session, '/old'), 'fresh');
      assert.equal(await store.sessionFiles.stat(session, '/new'), null);
      await store.sessionFiles.write(session, '/dir/é/%_/file', 'deep', 10);
      await store.sessionFiles.rename(session, '/dir', '/x/y', 20);
      await store.sessionFiles.append(session, '/x/y/é/%_/file', 'er', 30);
      assert.equal(await store.sessionFiles.read(session, '/x/y/é/%_/file'), 'deeper');
      assert.equal(await store.sessionFiles.stat(session, '/dir'), null);
      assert.deepEqual(await store.sessionFiles.list(session, '/x/y/é'), [{ name: '%_', kind: 'directory' }]);
    });

    it('refuses what POSIX refuses, with its code', async () => {
      const session = newSession();
      const files = store.sessionFiles;
      await files.write(session, '/dir/file', 'x', 10);
      await assert.rejects(files.list(session, '/none'), { code: 'ENOENT' });
      await assert.rejects(files.list(session, '/dir/file'), { code: 'ENOTDIR' });
      await assert.rejects(files.write(session, '/dir', 'x', 20), { code: 'EISDIR' });
      await assert.rejects(files.append(session, '/', 'x', 20), { code: 'EISDIR' });
      await assert.rejects(files.write(session, '/dir/file/below', 'x', 20), { code: 'ENOTDIR' });
      await assert.rejects(files.mkdir(session, '/dir/file', 20), { code: 'ENOTDIR' });
      await assert.rejects(files.rename(session, '/none', '/dir/there', 20), { code: 'ENOENT' });
      await assert.rejects(files.rename(session, '/dir', '/dir/inside', 20), { code: 'EINVAL' });
      await files.write(session, '/other', 'x', 20);
      await assert.rejects(files.rename(session, '/other', '/dir', 20), { code: 'EISDIR' });
      await assert.rejects(files.rename(session, '/dir', '/other', 20), { code: 'ENOTDIR' });
      await files.mkdir(session, '/moving', 20);
      await assert.rejects(files.rename(session, '/moving', '/dir', 20), { code: 'ENOTEMPTY' });
      assert.equal(await files.stat(session, '/dir/file/below'), null);
    });

    it('go with their chat, and what a lingering runtime writes later is found as orphaned', async () => {
      const other = await fresh();
      const userId = await newUser(other);
      const [kept, gone] = [await newChat(other, userId), await newChat(other, userId)];
      const [keptSession, goneSession] = [kept, gone].map((chat) => `user-${userId}-${chat.id}`) as [string, string];
      for (const session of [keptSession, goneSession]) {
        await other.sessionFiles.write(session, '/state/events', 'x', 10);
      }
      assert.deepEqual(await other.sessionFiles.orphans(10), []);
      await other.chats.delete(userId, gone.id);
      assert.equal(await other.sessionFiles.read(goneSession, '/state/events'), null);
      await other.sessionFiles.append(goneSession, '/state/events', 'late', 20);
      await other.sessionFiles.append('no-such-form', '/f', 'x', 20);
      assert.deepEqual(await other.sessionFiles.orphans(10), ['no-such-form', goneSession]);
      assert.deepEqual(await other.sessionFiles.orphans(1), ['no-such-form']);
      await other.sessionFiles.deleteSession('no-such-form');
      await other.sessionFiles.deleteSession(goneSession);
      assert.deepEqual(await other.sessionFiles.orphans(10), []);
      assert.equal(await other.sessionFiles.read(keptSession, '/state/events'), 'x');
    });

    it('orphans are found among more sessions than are looked at in one step', async () => {
      const other = await fresh();
      const userId = await newUser(other);
      const chat = await newChat(other, userId);
      await other.sessionFiles.write(`user-${userId}-${chat.id}`, '/f', 'x', 10);
      for (let made = 0; made < 520; made += 10) {
        await atOnce(10, (index) => other.sessionFiles.mkdir(`user-1-${made + index}`, '/state', 10));
      }
      assert.equal((await other.sessionFiles.orphans(1_000)).length, 520);
    });
  });
}
