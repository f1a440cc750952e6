import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERROR_CODES } from '../../src/errors.ts';
import { CATALOGS, LOCALES, localeFor, type TextKey, Translator } from '../../src/web/page/i18n/translator.ts';
import { browserName } from '../../src/web/page/model/browser-name.ts';
import { plainText } from '../../src/web/page/parts/plain-text.ts';

test('every language has every text, with the same places to fill in', () => {
  const places = (text: string) => (text.match(/\{\w+\}/g) ?? []).toSorted();
  for (const locale of LOCALES) {
    for (const [key, text] of Object.entries(CATALOGS.en.texts)) {
      const theirs = CATALOGS[locale].texts[key as TextKey];
      assert.ok(theirs.trim() !== '', `${locale} ${key}`);
      assert.deepEqual(places(theirs), places(text), `${locale} ${key}`);
    }
  }
});

test('every error code of the contract has its words in every language', () => {
  for (const locale of LOCALES) {
    const translator = new Translator(locale);
    const silent = Object.keys(ERROR_CODES).filter((code) => translator.error(code) === null);
    assert.deepEqual(silent, [], locale);
  }
});

test('the page speaks the first language of the browser that it knows', () => {
  assert.equal(localeFor(['fr-FR', 'ko-KR', 'en']), 'ko');
  assert.equal(localeFor(['fr']), 'en');
  assert.equal(localeFor([]), 'en');
});

test('places are filled in, numbers and times as the language writes them', () => {
  assert.equal(new Translator('en').t('usedOf', { used: 1234.5, entitlement: 2000 }), '1,234.5 of 2,000 used');
  assert.match(new Translator('ko').moment('2026-01-31T10:05:00Z', 0), /2026/);
  assert.equal(new Translator('ko').error('turn_running'), CATALOGS.ko.texts['error.turn_running']);
  assert.equal(new Translator('en').error('toString'), null);
});

test('one knows one’s devices again', () => {
  const windows = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36';
  assert.equal(browserName(windows), 'Chrome, Windows');
  assert.equal(browserName(`${windows} Edg/140.0`), 'Edge, Windows');
  assert.equal(
    browserName('Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1'),
    'Safari, iPhone',
  );
  assert.equal(browserName('curl/8'), null);
  assert.equal(browserName(null), null);
});

test('an announcement has no Markdown marks in it', () => {
  assert.equal(plainText('## Hi **you**\n\n[link](https://x.example) `a`\n```js\nx\n```'), 'Hi you link a …');
});
