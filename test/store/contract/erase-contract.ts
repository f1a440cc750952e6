/** Deleting a chat, erasing a person: what goes, what stays. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { describe, it } from 'node:test';
import type { OwnedChat, Store } from '../../../src/store/store.ts';
import { accepted, ask, endOf, newChat, newUser, type StoreUnderTest, webSession } from './fixtures.ts';

const IMAGE = { type: 'image' as const, mimeType: 'image/png', data: 'aaaa', name: null };

/** Registers the tests. */
export function eraseContract({ fresh }: StoreUnderTest): void {
  describe('erasing', () => {
    it('a deleted chat takes its messages, turns, log, keys and files with it and leaves other chats alone', async () => {
      const store = await fresh();
      const userId = await newUser(store);
      const [gone, kept] = [await fill(store, userId), await fill(store, userId)];
      assert.equal(await store.chats.delete(userId, gone.chat.id), true);
      assert.equal(await store.chats.delete(userId, gone.chat.id), false);
      assert.deepEqual(await remains(store, gone), { chat: 0, messages: 0, turn: 0, frames: 0, files: 0, found: 1 });
      assert.deepEqual(await remains(store, kept), { chat: 1, messages: 2, turn: 1, frames: 1, files: 1, found: 1 });
      const again = ask(kept.chat, { idempotency: { key: gone.key, bodyHash: 'other' } });
      assert.equal((await store.turns.accept(again)).kind, 'accepted', 'the key is free again');
    });

    it('what runtimes keep of deleted chats is noted with the deletion, until it is confirmed', async () => {
      const store = await fresh();
      const [userId, otherId] = [await newUser(store), await newUser(store)];
      // Ids rise with time: the order of names is that of creation.
      const [deleted, erased] = [await newChat(store, userId), await newChat(store, userId)];
      await newChat(store, otherId);
      await store.chats.delete(otherId, deleted.id);
      assert.deepEqual(await store.sessionFiles.unconfirmedDeletions(10, null), []);
      await store.chats.delete(userId, deleted.id);
      await store.users.erase(userId);
      const names = [deleted, erased].map(({ id }) => `user-${userId}-${id}`);
      assert.deepEqual(await store.sessionFiles.unconfirmedDeletions(10, null), names);
      await store.sessionFiles.noteDeletion(names[0] ?? '');
      assert.deepEqual(await store.sessionFiles.unconfirmedDeletions(10, names[0] ?? ''), names.slice(1));
      await store.sessionFiles.confirmDeletion(names[0] ?? '');
      assert.deepEqual(await store.sessionFiles.unconfirmedDeletions(1, null), names.slice(1));
    });

    it('an erased person leaves nothing, not even a session that a request in flight could save', async () => {
      const store = await fresh();
      const [userId, otherId] = [await newUser(store), await newUser(store)];
      const theirs = await fill(store, userId);
      const others = await fill(store, otherId);
      const session = webSession(userId);
      await store.webSessions.save(session);
      await store.credentials.put({ userId, sealed: 's', keyId: 'k', expiresAt: null, now: 5 });
      const token = { id: randomUUIDv7(), userId, name: 'n', scopes: [], expiresAt: 1e6, now: 5 };
      await store.apiTokens.create(token);
      assert.deepEqual(await store.users.erase(userId), [theirs.chat.id]);
      assert.equal(await store.users.find(userId), null);
      assert.equal(await store.credentials.find(userId), null);
      assert.equal(await store.apiTokens.findValid(token.id, 10), null);
      assert.deepEqual(await store.usage.ofUser(userId, { from: 0, to: 1e6 }), []);
      assert.deepEqual(await remains(store, theirs), { chat: 0, messages: 0, turn: 0, frames: 0, files: 0, found: 0 });
      assert.deepEqual(await remains(store, others), { chat: 1, messages: 2, turn: 1, frames: 1, files: 1, found: 1 });
      assert.equal(await store.webSessions.find(session.idHash, 2_000, 10_000), null);
      assert.equal(await store.webSessions.save(session), false);
      assert.equal(await store.webSessions.save(webSession(userId)), false, 'nor a new one');
      await store.users.upsert({ id: userId, login: 'back', name: null, avatarUrl: null, now: 9 });
      assert.equal(await store.webSessions.save(session), false, 'nor the old one when they are back');
    });

    it('an erased person’s many chats are all named, and erasing again names none', async () => {
      const store = await fresh();
      const userId = await newUser(store);
      const chats: OwnedChat[] = [];
      for (let index = 0; index < 45; index += 1) chats.push(await newChat(store, userId));
      const erased = await store.users.erase(userId);
      assert.deepEqual(new Set(erased), new Set(chats.map((chat) => chat.id)));
      assert.equal(erased.length, 45);
      assert.deepEqual(await store.users.erase(userId), []);
    });
  });
}

interface Filled {
  chat: OwnedChat;
  turnId: string;
  key: string;
}

/** A chat with something in every table. */
async function fill(store: Store, userId: string): Promise<Filled> {
  const chat = await newChat(store, userId, 'a title');
  const key = randomUUIDv7();
  const turn = await accepted(store, ask(chat, { attachments: [IMAGE], idempotency: { key, bodyHash: 'h' } }));
  const usage = {
    id: randomUUIDv7(),
    turnId: turn.id,
    chatId: chat.id,
    userId,
    model: null,
    inputTokens: 1,
    outputTokens: 1,
    cachedTokens: 0,
    cost: null,
    createdAt: 10,
  };
  await store.turns.end(endOf(turn, { usage: [usage] }));
  await store.sessionFiles.append(`user-${userId}-${chat.id}`, '/state/events', 'x', 10);
  return { chat, turnId: turn.id, key };
}

async function remains(store: Store, { chat, turnId }: Filled) {
  return {
    chat: (await store.chats.findOwned(chat.userId, chat.id)) ? 1 : 0,
    messages: (await store.messages.list(chat.id, { order: 'asc', limit: 10 })).items.length,
    turn: (await store.turns.findOwned(chat.userId, turnId)) ? 1 : 0,
    frames: (await store.turns.frames(turnId, 0, 1e6)).length,
    files: (await store.sessionFiles.list(`user-${chat.userId}-${chat.id}`, '/')).length,
    found: (await store.chats.list(chat.userId, { q: 'title', limit: 10 })).items.length,
  };
}
