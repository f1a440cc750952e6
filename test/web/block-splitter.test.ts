import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lexer, type Token } from 'marked';
import { type Block, BlockSplitter } from '../../src/web/page/markdown/block-splitter.ts';
import { headingLevels } from '../../src/web/page/markdown/heading-levels.ts';

const ANSWER = `# Title

A paragraph with **bold**, \`code\` and a [link](https://example.com).
A second line.

Setext
======

- one
- two

  still two
- three

1. first
2. second

> a quote
lazily continued

| a | b |
|---|--:|
| 1 | 2 |

\`\`\`ts
const a = 1;

const b = 2;
\`\`\`

    indented code

Text with [a reference][ref] and <b>html</b>.

<div>

block html

</div>

***

\`\`\`
never closed
`;

function solid(tokens: readonly Token[]): unknown {
  return JSON.parse(JSON.stringify(tokens.filter(({ type }) => type !== 'space')));
}

function tokensOf(blocks: readonly Block[]): Token[] {
  return blocks.map(({ token }) => token);
}

/** Feeds `text` in pieces of `size` characters and gives what stands at the end. */
function stream(text: string, size: number): Token[] {
  const splitter = new BlockSplitter();
  for (let end = size; end < text.length; end += size) splitter.split(text.slice(0, end), false);
  const { settled, tail } = splitter.split(text, true);
  assert.equal(tail.length, 0);
  return tokensOf(settled);
}

test('an answer that came in pieces of any size is the answer parsed in one', () => {
  const whole = solid(new Lexer({ gfm: true }).lex(ANSWER));
  for (const size of [1, 2, 3, 5, 7, 11, 40, 500, ANSWER.length]) {
    assert.deepEqual(solid(stream(ANSWER, size)), whole, `pieces of ${size}`);
  }
});

test('what is settled is the same object again, and only the last blocks are parsed anew', () => {
  const splitter = new BlockSplitter();
  const first = splitter.split('one\n\ntwo\n\nthree\nis', false);
  const second = splitter.split('one\n\ntwo\n\nthree\nis long', false);
  const kept = first.settled.length;
  assert.ok(kept > 0);
  for (let index = 0; index < kept; index += 1) assert.equal(second.settled[index], first.settled[index]);
  assert.equal(second.tail.filter(({ token }) => token.type !== 'space').length, 1);
});

test('a list is not closed by a number that is about to become its next item', () => {
  const splitter = new BlockSplitter();
  splitter.split('1. a\n\n2', false);
  const { settled } = splitter.split('1. a\n\n2. b\n', true);
  assert.equal(settled.filter(({ token }) => token.type === 'list').length, 1);
});

test('a reference that is defined at the end is a link in the end', () => {
  const tokens = stream('See [this][ref].\n\nMore text.\n\nAnd more.\n\n[ref]: https://example.com\n', 4);
  assert.match(JSON.stringify(tokens[0]), /"href":"https:\/\/example.com"/);
});

test('a definition that is repeated loses no text', () => {
  const text = 'a\n\n[r]: https://a.example\n\nb [r]\n\n[r]: https://b.example\n\nc\n\nd\n';
  for (const size of [1, 3, 100]) {
    const said = stream(text, size)
      .filter(({ type }) => type === 'paragraph')
      .map(({ raw }) => raw.trim());
    assert.deepEqual(said, ['a', 'b [r]', 'c', 'd'], `pieces of ${size}`);
  }
});

test('an answer that begins anew is parsed anew', () => {
  const splitter = new BlockSplitter();
  splitter.split('one\n\ntwo\n\nthree', false);
  assert.deepEqual(
    tokensOf(splitter.split('four', true).settled).map(({ raw }) => raw),
    ['four'],
  );
});

test('line ends of any kind are line ends', () => {
  const lines = (text: string) => solid(stream(text, 1));
  assert.deepEqual(lines('a\r\n\r\nb\r\n\r\n- c\r\n- d\r\n'), lines('a\n\nb\n\n- c\n- d\n'));
});

test('the outline of an answer has no gaps, wherever the model begins and whatever it skips', () => {
  const levels = (text: string) => [...headingLevels(new BlockSplitter().split(text, true).settled).values()];
  assert.deepEqual(levels('## a\n\n#### b\n\n### c\n\n## d\n\n# e\n\n## f'), [3, 4, 4, 3, 3, 4]);
  assert.deepEqual(levels('# a\n\n## b\n\n### c\n\n#### d\n\n##### e'), [3, 4, 5, 6, 6]);
});
