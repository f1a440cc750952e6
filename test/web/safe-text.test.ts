import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeEntities } from '../../src/web/page/markdown/entities.ts';
import { safeLink } from '../../src/web/page/markdown/safe-link.ts';

test('links to the web and to mail may be followed', () => {
  assert.equal(safeLink('https://example.com/a?b#c'), 'https://example.com/a?b#c');
  assert.equal(safeLink(' HTTP://example.com'), 'http://example.com/');
  assert.equal(safeLink('mailto:mona@example.com'), 'mailto:mona@example.com');
});

const TREACHEROUS = [
  'javascript:alert(1)',
  ' java\nscript:alert(1)',
  'java\tscript:alert(1)',
  '\u0001javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'data:text/html,<script>alert(1)</script>',
  'vbscript:x',
  'blob:https://example.com/1',
  'file:///etc/passwd',
  '/auth/logout',
  '//evil.example',
  '\\\\evil.example',
  'https:evil.example',
  '#top',
  '',
  'https://',
  'javascript&colon;alert(1)',
];

for (const href of TREACHEROUS) {
  test(`no link leads to ${JSON.stringify(href)}`, () => {
    assert.equal(safeLink(href), null);
  });
}

test('entities are the characters they mean, and nothing more', () => {
  assert.equal(decodeEntities('&lt;b&gt; &amp; &#65;&#x42; &nbsp;&mdash;'), '<b> & AB \u00a0—');
  assert.equal(decodeEntities('&amp;lt;'), '&lt;');
  assert.equal(decodeEntities('&#0;&#xd800;&#x110000;'), '\ufffd\ufffd\ufffd');
  assert.equal(decodeEntities('&unknown; &constructor; & fish'), '&unknown; &constructor; & fish');
});
