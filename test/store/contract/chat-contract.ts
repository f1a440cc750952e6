/** Chats. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { before, describe, it } from 'node:test';
import type { ChatKey, OwnedChat, Store } from '../../../src/store/store.ts';
import { accepted, ask, atOnce, count, newChat, newUser, type StoreUnderTest } from './fixtures.ts';

/** Registers the tests. */
export function chatContract({ fresh }: StoreUnderTest): void {
  describe('chats', () => {
    let store: Store;
    before(async () => {
      store = await fresh();
    });

    it('a new chat is there for its owner and not there for anyone else', async () => {
      const [userId, otherId] = [await newUser(store), await newUser(store)];
      const chat = await newChat(store, userId, 'Title');
      assert.deepEqual(
        { ...chat },
        {
          id: chat.id,
          userId,
          sessionId: null,
          title: 'Title',
          titleSource: 'user',
          model: null,
          systemPrompt: null,
          pinned: false,
          archived: false,
          createdAt: 10,
          updatedAt: 10,
          contextVersion: 0,
          historyVersion: 0,
        },
      );
      assert.deepEqual(await store.chats.findOwned(userId, chat.id), chat);
      assert.equal(await store.chats.findOwned(otherId, chat.id), null);
      assert.equal(await store.chats.update(otherId, chat.id, { title: 'Mine' }, 20), null);
      assert.equal(await store.chats.delete(otherId, chat.id), false);
      assert.deepEqual(await store.chats.findOwned(userId, chat.id), chat);
    });

    it('a name of the caller’s is the same chat for 20 calls at once, and another chat for another user', async () => {
      const [userId, otherId] = [await newUser(store), await newUser(store)];
      const find = (id: string) =>
        store.chats.findOrCreateBySessionId(id, 'my-session', { id: randomUUIDv7(), model: 'm', now: 5 });
      const found = await atOnce(20, () => find(userId));
      assert.equal(new Set(found.map(({ chat }) => chat.id)).size, 1);
      assert.equal(
        count(
          found.map(({ created }) => created),
          true,
        ),
        1,
      );
      const theirs = await find(otherId);
      assert.equal(theirs.created, true);
      assert.notEqual(theirs.chat.id, found[0]?.chat.id);
      assert.equal((await store.chats.findBySessionId(userId, 'my-session'))?.id, found[0]?.chat.id);
      assert.equal(await store.chats.findBySessionId(userId, 'other'), null);
    });

    it('a name that is taken is a conflict, and an erased user cannot have chats', async () => {
      const userId = await newUser(store);
      const chat = { userId, sessionId: 's', title: null, model: null, systemPrompt: null, now: 5 };
      await store.chats.create({ ...chat, id: randomUUIDv7() });
      await assert.rejects(store.chats.create({ ...chat, id: randomUUIDv7() }), { code: 'conflict' });
      await store.users.erase(userId);
      await assert.rejects(store.chats.create({ ...chat, id: randomUUIDv7() }), { code: 'unauthenticated' });
      const named = store.chats.findOrCreateBySessionId(userId, 's', { id: randomUUIDv7(), model: null, now: 6 });
      await assert.rejects(named, { code: 'unauthenticated' });
    });

    it('a chat that was made in vain is removed, but never under a message', async () => {
      const userId = await newUser(store);
      const [empty, used, theirs] = [
        await newChat(store, userId),
        await newChat(store, userId),
        await newChat(store, await newUser(store)),
      ];
      await accepted(store, ask(used));
      const removed = [empty, empty, used, theirs].map(({ id }) => store.chats.deleteUnused(userId, id));
      const [first, second, ...others] = await Promise.all(removed);
      assert.ok(first !== second, 'one of the two that ask at once removes it');
      assert.deepEqual(others, [false, false]);
      for (let round = 0; round < 20; round += 1) {
        const chat = await newChat(store, userId);
        const [outcome, gone] = await Promise.all([
          store.turns.accept(ask(chat)),
          store.chats.deleteUnused(userId, chat.id),
        ]);
        assert.equal(outcome.kind, gone ? 'chat_gone' : 'accepted');
        assert.equal((await store.chats.findOwned(userId, chat.id)) === null, gone);
      }
    });

    it('changes what is named and nothing else', async () => {
      const userId = await newUser(store);
      const chat = await newChat(store, userId);
      const pinned = await store.chats.update(userId, chat.id, { pinned: true, model: 'large' }, 20);
      assert.deepEqual({ ...pinned }, { ...chat, pinned: true, model: 'large', updatedAt: 20 });
      const rest = await store.chats.update(userId, chat.id, { archived: true, model: null, title: 'T' }, 30);
      const expected = { ...chat, pinned: true, archived: true, title: 'T', titleSource: 'user', updatedAt: 30 };
      assert.deepEqual({ ...rest }, expected);
    });

    it('an automatic title never replaces one a person set', async () => {
      const userId = await newUser(store);
      const chat = await newChat(store, userId);
      assert.equal(await store.chats.setAutoTitle(chat.id, 'first words', 20), true);
      assert.equal(await store.chats.setAutoTitle(chat.id, 'first words', 21), false, 'nothing changed');
      assert.equal(await store.chats.setAutoTitle(chat.id, 'better words', 22), true);
      await store.chats.update(userId, chat.id, { title: 'mine' }, 23);
      assert.equal(await store.chats.setAutoTitle(chat.id, 'theirs', 24), false);
      assert.equal((await store.chats.findOwned(userId, chat.id))?.title, 'mine');
    });

    it('lists newest activity first, without gaps or doubles where times are equal', async () => {
      const userId = await newUser(store);
      const chats: OwnedChat[] = [];
      for (let index = 0; index < 11; index += 1) chats.push(await newChat(store, userId, null, 10 + (index >> 2)));
      await newChat(store, await newUser(store));
      for (const limit of [1, 2, 3, 10, 11, 12]) {
        const order = chats.toSorted((a, b) => b.updatedAt - a.updatedAt || (a.id < b.id ? 1 : -1));
        assert.deepEqual(
          (await pages(store, userId, limit)).map((chat) => chat.id),
          order.map((chat) => chat.id),
        );
      }
    });

    it('a message moves its chat to the top, and archived chats can be told apart', async () => {
      const userId = await newUser(store);
      const [first, second] = [await newChat(store, userId, null, 10), await newChat(store, userId, null, 20)];
      await accepted(store, ask(first, { now: 30 }));
      const list = async (archived?: boolean) =>
        (await store.chats.list(userId, { limit: 10, ...(archived === undefined ? {} : { archived }) })).items.map(
          (chat) => chat.id,
        );
      assert.deepEqual(await list(), [first.id, second.id]);
      await store.chats.update(userId, second.id, { archived: true }, 40);
      assert.deepEqual(await list(), [second.id, first.id]);
      assert.deepEqual(await list(false), [first.id]);
      assert.deepEqual(await list(true), [second.id]);
    });

    it('pinned chats can be told apart, page by page, with the words and the archive', async () => {
      const userId = await newUser(store);
      const chats: OwnedChat[] = [];
      for (let index = 0; index < 7; index += 1)
        chats.push(await newChat(store, userId, `Harbour ${index}`, 10 + index));
      const [a, b, c] = [chats[0], chats[2], chats[5]].map((chat) => chat?.id ?? '');
      for (const id of [a, b, c]) await store.chats.update(userId, id ?? '', { pinned: true }, 20);
      await newChat(store, await newUser(store));
      const ids = (found: readonly OwnedChat[]) => found.map(({ id }) => id).toSorted();
      assert.deepEqual(
        ids(await pages(store, userId, 2, { pinned: true })),
        ids(chats.filter(({ id }) => [a, b, c].includes(id))),
      );
      assert.deepEqual(
        ids(await pages(store, userId, 3, { pinned: false })),
        ids(chats.filter(({ id }) => ![a, b, c].includes(id))),
      );
      await store.chats.update(userId, b ?? '', { archived: true }, 30);
      await store.chats.update(userId, c ?? '', { pinned: false }, 31);
      const list = async (options: object) => ids((await store.chats.list(userId, { limit: 10, ...options })).items);
      assert.deepEqual(await list({ pinned: true, archived: false }), [a]);
      assert.deepEqual(await list({ pinned: true, archived: true }), [b]);
      assert.deepEqual(await list({ pinned: true, q: 'harbour 2' }), [b]);
      assert.deepEqual(await list({ pinned: true, q: 'harbour 5' }), []);
    });

    it('counts up when the runtime session can no longer be trusted', async () => {
      const userId = await newUser(store);
      const chat = await newChat(store, userId);
      await atOnce(5, () => store.chats.bumpContextVersion(chat.id));
      assert.equal((await store.chats.findOwned(userId, chat.id))?.contextVersion, 5);
    });

    it('names chats without activity, longest idle first, pinned ones too', async () => {
      const other = await fresh();
      const userId = await newUser(other);
      const chats = [];
      for (const now of [30, 10, 20, 40]) chats.push(await newChat(other, userId, null, now));
      await other.chats.update(userId, chats[2]?.id ?? '', { pinned: true }, 20);
      const expected = [chats[1], chats[2]].map((chat) => ({ id: chat?.id, userId }));
      assert.deepEqual(await other.chats.expired(30, 10), expected);
      assert.deepEqual(await other.chats.expired(30, 1), expected.slice(0, 1));
    });
  });
}

async function pages(store: Store, userId: string, limit: number, filter = {}): Promise<OwnedChat[]> {
  const all: OwnedChat[] = [];
  let key: ChatKey | null = null;
  do {
    const page: { items: OwnedChat[]; next: ChatKey | null } = await store.chats.list(userId, {
      ...filter,
      limit,
      ...(key ? { after: key } : {}),
    });
    assert.ok(page.items.length <= limit);
    all.push(...page.items);
    key = page.next;
  } while (key);
  return all;
}
