import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { searchTokens, searchWords } from '../../src/store/search-tokens.ts';

describe('words of search', () => {
  const texts: [string, string[]][] = [
    ['Crème BRÛLÉE, crème!', ['creme', 'brulee']],
    ['ﬁne ＦＵＬＬ İstanbul ½', ['fine', 'full', 'istanbul', '1', '2']],
    ['안녕하 세', ['안녕', '녕하', '하', '세']],
    ['GPT모델2', ['gpt', '모델', '델', '2']],
    ['🚀🚀 ok', ['🚀', 'ok']],
    ['"; -- * : ( )\0', []],
  ];
  for (const [text, tokens] of texts) {
    it(`of ${JSON.stringify(text)} are ${tokens.join(' ') || 'none'}`, () => {
      assert.deepEqual(searchTokens(text), tokens);
    });
  }

  it('are of a bounded length and, together, within what PostgreSQL holds', () => {
    const tokens = searchTokens(
      `${'x'.repeat(500)} ${Array.from({ length: 200_000 }, (_, i) => `word${i}`).join(' ')}`,
    );
    assert.ok(tokens.every((token) => token.length <= 64));
    assert.ok(Buffer.byteLength(tokens.join(' ')) < 2 ** 20);
  });

  it('of a question take the beginning for the last word only, and for a lone sign of a spaceless script', () => {
    assert.deepEqual(searchWords('Berlin tr'), [[{ text: 'berlin', prefix: false }], [{ text: 'tr', prefix: true }]]);
    assert.deepEqual(searchWords('안 녕하세 x'), [
      [{ text: '안', prefix: true }],
      [
        { text: '녕하', prefix: false },
        { text: '하세', prefix: false },
      ],
      [{ text: 'x', prefix: true }],
    ]);
  });
});
