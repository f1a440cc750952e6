import assert from 'node:assert/strict';
import { test } from 'node:test';
import { snippetOf } from '../../src/store/search-snippet.ts';

/** The snippet with its highlights in brackets. */
function marked(text: string, query: string): string {
  const { snippet, highlights } = snippetOf(text, query);
  return highlights.reduceRight(
    (shown, [start, end]) => `${shown.slice(0, start)}[${shown.slice(start, end)}]${shown.slice(end)}`,
    snippet,
  );
}

test('words are marked as search finds them: case, accents, the beginning of the last word', () => {
  assert.equal(marked('The Café in ZÜRICH', 'zurich caf'), 'The [Caf]é in [ZÜRICH]');
  assert.equal(marked('Cafe\u0301 and cafeteria', 'cafe x'), '[Cafe\u0301] and cafeteria');
  assert.equal(marked('foo_bar-baz v1.2', 'bar 1'), 'foo_[bar]-baz v1.2');
  assert.equal(marked('ﬁne ＦＵＬＬ width', 'fine full'), '[ﬁne] [ＦＵＬＬ] width');
});

test('scripts without spaces are marked anywhere in a word, also where they came in pieces', () => {
  assert.equal(marked('안녕하세요 세계', '하세요'), '안녕[하세요] 세계');
  assert.equal(marked('東京タワーへ', '京タ'), '東[京タ]ワーへ');
  assert.equal(marked('안녕'.normalize('NFD'), '안녕').normalize('NFC'), '[안녕]');
  assert.equal(marked('go 🚀 now', '🚀'), 'go [🚀] now');
});

test('a long text is shown from shortly before the first word, on one line, no sign cut in two', () => {
  const text = `${'🚀'.repeat(200)}\n\nthe needle\tis here ${'hay '.repeat(200)}`;
  const { snippet, highlights } = snippetOf(text, 'needle');
  assert.match(snippet, /^….* {2}the needle is here hay .*…$/);
  assert.ok(snippet.isWellFormed());
  assert.deepEqual(
    highlights.map(([start, end]) => snippet.slice(start, end)),
    ['needle'],
  );
  assert.ok(snippet.length <= 242);
});

test('what is not near the beginning of a very long text is not marked', () => {
  assert.deepEqual(snippetOf(`${'x '.repeat(20_000)}needle`, 'needle').highlights, []);
  assert.deepEqual(snippetOf('', 'a'), { snippet: '', highlights: [] });
});
