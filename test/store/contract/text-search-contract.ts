/** Search that says where: which titles and messages have the words. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { ChatKey, Store } from '../../../src/store/store.ts';
import { accepted, ask, endOf, newChat, newUser, type StoreUnderTest } from './fixtures.ts';

/** Runs the suite on `subject`. */
export function textSearchContract(subject: StoreUnderTest): void {
  describe('searching for texts', () => {
    let store: Store;
    let userId: string;

    before(async () => {
      store = await subject.fresh();
      userId = await newUser(store);
      await talk(userId, 'Café in Zürich', 100, 'where is the lake', 'near the ZÜRICH station');
      await talk(userId, null, 200, '안녕하세요 세계', 'lake, lake and lakeside');
      await talk(await newUser(store), 'lake', 300, 'lake', 'lake');
    });

    async function talk(owner: string, title: string | null, now: number, question: string, answer: string) {
      const chat = await newChat(store, owner, title, now);
      const turn = await accepted(store, ask(chat, { content: question, now: now + 1 }));
      const message = { id: `${turn.id}-a`, content: answer, model: null, status: 'complete' as const };
      await store.turns.end(endOf(turn, { message: { ...message, createdAt: now + 2 } }));
    }

    const found = async (q: string, limit = 50) =>
      (await store.search.texts(userId, { q, limit })).items.map(
        ({ chat, message }) => message?.content ?? `# ${chat.title}`,
      );

    it('finds titles and messages of one’s own, newest first', async () => {
      assert.deepEqual(await found('lake'), ['lake, lake and lakeside', 'where is the lake']);
      assert.deepEqual(await found('zurich'), ['near the ZÜRICH station', '# Café in Zürich']);
      assert.deepEqual(await found('녕하세'), ['안녕하세요 세계']);
    });

    it('wants all words of the chat and one of the text, as the list of chats does', async () => {
      assert.deepEqual(await found('lake zuri'), ['near the ZÜRICH station', 'where is the lake', '# Café in Zürich']);
      assert.deepEqual(await found('lake atlantis'), []);
      assert.deepEqual(await found('"\') OR *'), []);
      assert.deepEqual(await found('  '), []);
    });

    it('goes on from page to page without a gap or a double', async () => {
      const seen: string[] = [];
      let after: ChatKey | null | undefined;
      do {
        const page = await store.search.texts(userId, { q: 'lake zurich', limit: 1, ...(after ? { after } : {}) });
        seen.push(...page.items.map(({ chat, message }) => message?.content ?? `# ${chat.title}`));
        after = page.next;
      } while (after);
      assert.deepEqual(seen, await found('lake zurich'));
    });
  });
}
