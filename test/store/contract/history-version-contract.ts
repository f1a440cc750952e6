/** A chat's history version: whoever knows a history under it can rely on it until it moves. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OwnedChat, Store } from '../../../src/store/store.ts';
import { accepted, ask, endOf, newChat, newUser, type StoreUnderTest } from './fixtures.ts';

/** Runs the suite on `subject`. */
export function historyVersionContract({ fresh }: StoreUnderTest): void {
  describe('the version of a history', () => {
    it('moves with every change of the messages, at whatever time, and only forward', async () => {
      const store = await fresh();
      const userId = await newUser(store);
      const chat = await newChat(store, userId, null, 100);
      // All at the same millisecond: the time of the last activity tells nothing.
      const say = (changes: Parameters<typeof ask>[1]) => store.turns.accept(ask(chat, { now: 100, ...changes }));
      const first = await changed(store, chat, () => accepted(store, ask(chat, { now: 100 })));
      const queued = await changed(store, chat, async () => {
        const outcome = await say({ delivery: 'queue', content: 'and then?' });
        assert.ok(outcome.kind === 'accepted');
        return outcome.turn;
      });
      await changed(store, chat, () => say({ delivery: 'steer', content: 'be quick' }));
      await changed(store, chat, () => store.turns.end(endOf(first, { now: 100 })));
      const second = await store.turns.claimNext(chat.id, 'instance-1', 100);
      assert.ok(second?.id === queued.id);
      await changed(store, chat, () => store.turns.end(endOf(second, { now: 100, status: 'interrupted' })));
      await changed(store, chat, () => say({ content: '', replaces: { kind: 'regenerate', messageId: null } }));
      const again = await latest(store, chat);
      await store.turns.end(endOf(again, { now: 100 }));
      await changed(store, chat, () =>
        say({ content: 'better', replaces: { kind: 'edit', messageId: first.userMessageId } }),
      );
    });
  });
}

/** @returns what `change` returns, having seen that the messages and the version changed with it */
async function changed<T>(store: Store, chat: OwnedChat, change: () => Promise<T>): Promise<T> {
  const [version, messages] = await look(store, chat);
  const outcome = await change();
  const [newVersion, newMessages] = await look(store, chat);
  assert.notDeepEqual(newMessages, messages);
  assert.ok(newVersion > version, `${version} to ${newVersion}`);
  return outcome;
}

async function look(store: Store, chat: OwnedChat): Promise<[number, unknown]> {
  const found = await store.chats.findOwned(chat.userId, chat.id);
  return [found?.historyVersion ?? -1, (await store.messages.list(chat.id, { order: 'asc', limit: 100 })).items];
}

/** The turn of the chat's last question. */
async function latest(store: Store, chat: OwnedChat) {
  const { items } = await store.messages.list(chat.id, { order: 'desc', limit: 1 });
  const turn = await store.turns.findOwned(chat.userId, items[0]?.turnId ?? '');
  assert.ok(turn);
  return turn;
}
