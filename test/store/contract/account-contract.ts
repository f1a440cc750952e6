/** People, API tokens, usage. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { before, describe, it } from 'node:test';
import type { ApiTokenRecord } from '../../../src/store/records.ts';
import type { CreationKey, Store } from '../../../src/store/store.ts';
import { accepted, ask, endOf, newChat, newUser, type StoreUnderTest } from './fixtures.ts';

/** Registers the tests. */
export function accountContract({ fresh }: StoreUnderTest): void {
  describe('people', () => {
    let store: Store;
    before(async () => {
      store = await fresh();
    });

    it('signing in again refreshes the profile and keeps what an operator decided', async () => {
      const id = await newUser(store);
      await store.users.setBlocked(id, 5);
      await store.users.revokeAll(id, 6);
      const user = await store.users.upsert({ id, login: 'renamed', name: 'A', avatarUrl: 'https://a/', now: 9 });
      assert.deepEqual(user, {
        id,
        login: 'renamed',
        name: 'A',
        avatarUrl: 'https://a/',
        createdAt: 1,
        updatedAt: 9,
        blockedAt: 5,
        validAfter: 6,
      });
      assert.deepEqual(await store.users.find(id), user);
      assert.equal(await store.users.find('0'), null);
    });

    it('a revocation is never taken back by a clock that is behind', async () => {
      const id = await newUser(store);
      await store.users.revokeAll(id, 20);
      await store.users.revokeAll(id, 10);
      assert.equal((await store.users.find(id))?.validAfter, 20);
    });
  });

  describe('API tokens', () => {
    let store: Store;
    before(async () => {
      store = await fresh();
    });
    const issue = (userId: string, now = 100, expiresAt = 1_000) =>
      store.apiTokens.create({ id: randomUUIDv7(), userId, name: 'ci', scopes: ['chats:read'], expiresAt, now });

    it('a token is valid with its person until it expires, is deleted, or its person is revoked or blocked', async () => {
      const userId = await newUser(store);
      const [kept, deleted] = [await issue(userId), await issue(userId)];
      const valid = async (id: string, now = 500) => (await store.apiTokens.findValid(id, now)) !== null;
      assert.deepEqual(await store.apiTokens.findValid(kept.id, 999), { token: kept, login: `user${userId}` });
      assert.equal(await valid(kept.id, 1_000), false);
      assert.equal(await store.apiTokens.delete('0', deleted.id), false);
      assert.equal(await store.apiTokens.delete(userId, deleted.id), true);
      assert.equal(await valid(deleted.id), false);
      await store.users.setBlocked(userId, 1);
      assert.equal(await valid(kept.id), false);
      await store.users.setBlocked(userId, null);
      assert.equal(await valid(kept.id), true);
      await store.users.revokeAll(userId, 101);
      assert.equal(await valid(kept.id), false);
    });

    it('lists tokens newest first by keyset, and cleans expired ones a few at a time', async () => {
      const userId = await newUser(store);
      const tokens: ApiTokenRecord[] = [];
      for (let index = 0; index < 5; index += 1) tokens.push(await issue(userId, 100 + (index >> 1), 200 + index));
      await store.apiTokens.touch(tokens[0]?.id ?? '', 150);
      const seen: string[] = [];
      let key: CreationKey | null = { createdAt: 1_000, id: '' };
      while (key) {
        const page = await store.apiTokens.list(userId, { after: key, limit: 2 });
        seen.push(...page.items.map((token) => token.id));
        key = page.next;
      }
      const order = tokens.toSorted((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1));
      assert.deepEqual(
        seen,
        order.map((token) => token.id),
      );
      const { items } = await store.apiTokens.list(userId, { limit: 10 });
      assert.equal(items.find(({ id }) => id === tokens[0]?.id)?.lastUsedAt, 150);
      assert.equal(await store.apiTokens.deleteExpired(203, 3), 3);
      assert.equal(await store.apiTokens.deleteExpired(203, 3), 1);
      assert.equal((await store.apiTokens.list(userId, { limit: 10 })).items.length, 1);
    });
  });

  describe('usage', () => {
    it('is listed newest first within a span, by keyset, and summed by model; it outlives the chat', async () => {
      const store = await fresh();
      const userId = await newUser(store);
      const chat = await newChat(store, userId);
      const turn = await accepted(store, ask(chat));
      const usage = [10, 20, 20, 30].map((createdAt, index) => ({
        id: randomUUIDv7(),
        turnId: turn.id,
        chatId: chat.id,
        userId,
        model: index === 3 ? 'large' : 'small',
        inputTokens: 100,
        outputTokens: 7,
        cachedTokens: 1,
        cost: index === 0 ? null : 0.25,
        createdAt,
      }));
      await store.turns.end(endOf(turn, { usage }));
      await store.chats.delete(userId, chat.id);
      const first = await store.usage.ofUser(userId, { from: 10, to: 30, limit: 2 });
      const last = first.at(-1);
      assert.ok(last);
      const rest = await store.usage.ofUser(userId, { from: 10, to: 30, after: last, limit: 2 });
      assert.deepEqual(
        [...first, ...rest].map((record) => record.createdAt),
        [20, 20, 10],
      );
      assert.equal(new Set([...first, ...rest].map((record) => record.id)).size, 3);
      assert.deepEqual(rest[0], usage[0]);
      assert.deepEqual(await store.usage.totals(userId, { from: 0, to: 31 }), [
        { model: 'large', requests: 1, inputTokens: 100, outputTokens: 7, cachedTokens: 1, cost: 0.25 },
        { model: 'small', requests: 3, inputTokens: 300, outputTokens: 21, cachedTokens: 3, cost: 0.5 },
      ]);
    });
  });
}
