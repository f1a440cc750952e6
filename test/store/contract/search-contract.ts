/** Search: the table of expectations is the same for both engines, so they find the same. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { OwnedChat, Store } from '../../../src/store/store.ts';
import { accepted, ask, endOf, newChat, newUser, type StoreUnderTest } from './fixtures.ts';

/** Title and messages of each chat; a chat's name here is its place. */
const CHATS: { title: string | null; said: string[] }[] = [
  { title: 'Café in Zürich', said: ['Where is the best CRÈME brûlée?', 'Near the lake.'] },
  { title: null, said: ['Why does user@example.com/path-to fail with foo_bar-baz v1.2?', 'It is 1e5 or 00012.'] },
  { title: '서울 여행', said: ['안녕하세요 세계', '東京タワーへ行きたい 🚀'] },
  { title: "Robert'); DROP TABLE", said: ['a "quoted" AND text NOT here', 'ﬁne ＦＵＬＬ width İstanbul'] },
];

/** What is asked, and which chats answer. */
const QUESTIONS: [string, number[]][] = [
  ['cafe', [0]],
  ['CAFÉ', [0]],
  ['zur', [0]],
  ['ur', []],
  ['creme brulee', [0]],
  ['lake zurich', [0]],
  ['lak zurich', []],
  ['example', [1]],
  ['path', [1]],
  ['baz foo', [1]],
  ['1e5', [1]],
  ['00012', [1]],
  ['12', []],
  ['v1 2', [1]],
  ['서울', [2]],
  ['녕하', [2]],
  ['하세요', [2]],
  ['요', [2]],
  ['세', [2]],
  ['하요', []],
  ['京タ', [2]],
  ['タワー 서울', [2]],
  ['🚀', [2]],
  ['🌍', []],
  ['drop', [3]],
  ['fine full', [3]],
  ['istanbul', [3]],
  ['in', [0]],
  ['a', [3]],
  ['AND', [3]],
  ['NOT here', [3]],
  ['lake OR 서울', []],
  ['NEAR(lake the)', [0]],
  ['-lake', [0]],
  ['lake*', [0]],
  ['title:cafe', []],
  ['"quoted', [3]],
  ["'; drop --", [3]],
  ['cafe:* & zurich', [0]],
  ['!cafe | (zurich)', [0]],
  ['*', []],
  ['""', []],
  ["'", []],
  ['\\', []],
  ['\0', []],
  ['%_', []],
  [' ', [0, 1, 2, 3]],
  ['', [0, 1, 2, 3]],
  ['x'.repeat(5_000), []],
  ['cafe '.repeat(500), [0]],
];

/** Registers the tests. */
export function searchContract({ fresh }: StoreUnderTest): void {
  describe('search', () => {
    let store: Store;
    let userId: string;
    const chats: OwnedChat[] = [];
    before(async () => {
      store = await fresh();
      userId = await newUser(store);
      for (const { title, said } of CHATS) {
        const chat = await newChat(store, userId, title);
        chats.push(chat);
        const turn = await accepted(store, ask(chat, { content: said[0] ?? '' }));
        const { message } = endOf(turn);
        assert.ok(message);
        await store.turns.end(endOf(turn, { message: { ...message, content: said[1] ?? '' } }));
      }
    });
    const find = async (q: string, id = userId): Promise<number[]> => {
      const { items } = await store.chats.list(id, { q, limit: 100 });
      return items.map((chat) => chats.findIndex(({ id }) => id === chat.id)).sort((a, b) => a - b);
    };

    for (const [question, expected] of QUESTIONS) {
      it(`finds [${expected}] for ${JSON.stringify(question.slice(0, 30))}`, async () => {
        assert.deepEqual(await find(question), expected);
      });
    }

    it('finds nothing of others', async () => {
      assert.deepEqual(await find('cafe', await newUser(store)), []);
    });

    it('follows a title when it changes', async () => {
      const other = await newUser(store);
      const chat = await newChat(store, other, 'apples');
      const titles = async (q: string) => (await store.chats.list(other, { q, limit: 5 })).items.length;
      await store.chats.update(other, chat.id, { title: 'bananas' }, 20);
      assert.deepEqual([await titles('apples'), await titles('bananas')], [0, 1]);
      const untitled = await newChat(store, other);
      await store.chats.setAutoTitle(untitled.id, 'apples', 30);
      assert.equal(await titles('apples'), 1);
      await store.chats.delete(other, untitled.id);
      assert.equal(await titles('apples'), 0);
    });

    it('pages through what it finds', async () => {
      const other = await newUser(store);
      for (let index = 0; index < 5; index += 1) await newChat(store, other, `plan ${index}`, 10 + index);
      await newChat(store, other, 'else', 12);
      const first = await store.chats.list(other, { q: 'plan', limit: 3 });
      assert.ok(first.next);
      const second = await store.chats.list(other, { q: 'plan', limit: 3, after: first.next });
      const titles = [...first.items, ...second.items].map((chat) => chat.title);
      assert.deepEqual(titles, ['plan 4', 'plan 3', 'plan 2', 'plan 1', 'plan 0']);
      assert.equal(second.next, null);
    });

    it('a very long text is found by its beginning', async () => {
      const other = await newUser(store);
      const chat = await newChat(store, other);
      const content = Array.from({ length: 150_000 }, (_, index) => `word${index}`).join(' ');
      await accepted(store, ask(chat, { content }));
      assert.equal((await store.chats.list(other, { q: 'word77 word9', limit: 5 })).items.length, 1);
      assert.equal((await store.messages.list(chat.id, { order: 'asc', limit: 1 })).items[0]?.content, content);
    });
  });
}
