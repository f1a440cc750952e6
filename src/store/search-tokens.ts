/**
 * Words as search sees them, made here and not in the engines, so that both find the same: NFKD, marks stripped, lower
 * case; runs of letters and digits. Scripts written without spaces are cut into overlapping pairs, so that any part of
 * them is found; an emoji is a word of its own.
 */

/** A longer word is a word up to here, in the index and in a question alike. */
const WORD_LENGTH = 64;
/** UTF-16 units of words kept of one text: PostgreSQL's tsvector holds less than 1 MiB. */
const TEXT_LENGTH = 250_000;
/** More words do not make a question clearer; each is a look-up. */
const QUERY_WORDS = 8;
const QUERY_LENGTH = 1_000;

const WORD = /[\p{L}\p{N}]+|\p{Extended_Pictographic}/gu;
/** Most words of most texts: spared the search for scripts. */
const ASCII = /^[0-9a-z]*$/;
const SPACELESS =
  /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\u30fc]+/gu;

/** The distinct words of `text`, for the index. */
export function searchTokens(text: string): string[] {
  const tokens = new Set<string>();
  let length = 0;
  for (const [word] of fold(text).matchAll(WORD)) {
    for (const token of tokensOf(word, true)) {
      if (tokens.has(token)) continue;
      length += token.length + 1;
      if (length > TEXT_LENGTH) return [...tokens];
      tokens.add(token);
    }
  }
  return [...tokens];
}

/** A word to look up. `prefix`: its beginning is enough. */
export interface SearchTerm {
  text: string;
  prefix: boolean;
}

/**
 * The words of a question; each is the terms that one text must have together. None: nothing can match. Nothing in
 * `query` is syntax.
 */
export function searchWords(query: string): SearchTerm[][] {
  const words = [...fold(query.slice(0, QUERY_LENGTH)).matchAll(WORD)].slice(0, QUERY_WORDS);
  return words.map(([word], index) => {
    const tokens = tokensOf(word, false);
    const last = index === words.length - 1;
    return tokens.map((text, place) => ({
      text,
      // A lone sign of a spaceless script is looked for as the first of a pair.
      prefix: (last && place === tokens.length - 1) || isLoneSign(text),
    }));
  });
}

/** `text` as search compares it. */
export function fold(text: string): string {
  // Composed again after stripping: NFKD takes Hangul apart into letters that are no marks.
  return text
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .normalize('NFC')
    .toLowerCase()
    .normalize('NFC');
}

/** Whether a term is of a script written without spaces: it is found anywhere in a word. */
export function isSpaceless(term: string): boolean {
  return term.match(SPACELESS) !== null;
}

/** The words of a folded text with their places, cut where the script changes to or from a spaceless one. */
export function wordRuns(folded: string): { text: string; index: number }[] {
  const runs: { text: string; index: number }[] = [];
  for (const { 0: word, index } of folded.matchAll(WORD)) {
    let end = 0;
    for (const match of ASCII.test(word) ? [] : word.matchAll(SPACELESS)) {
      if (match.index > end) runs.push({ text: word.slice(end, match.index), index: index + end });
      runs.push({ text: match[0], index: index + match.index });
      end = match.index + match[0].length;
    }
    if (end < word.length) runs.push({ text: word.slice(end), index: index + end });
  }
  return runs;
}

/** Cuts `word` where its script changes to or from a spaceless one. `tails`: also the last sign alone, for the index. */
function tokensOf(word: string, tails: boolean): string[] {
  if (ASCII.test(word)) return [cut(word)];
  const tokens: string[] = [];
  let end = 0;
  for (const match of word.matchAll(SPACELESS)) {
    if (match.index > end) tokens.push(cut(word.slice(end, match.index)));
    tokens.push(...pairs(match[0], tails));
    end = match.index + match[0].length;
  }
  if (end < word.length) tokens.push(cut(word.slice(end)));
  return tokens;
}

function cut(word: string): string {
  return word.length <= WORD_LENGTH
    ? word
    : word
        .slice(0, WORD_LENGTH)
        .toWellFormed()
        .replace(/\ufffd$/, '');
}

function pairs(run: string, tails: boolean): string[] {
  const signs = [...run];
  if (signs.length === 1) return signs;
  const found = signs.slice(1).map((sign, index) => `${signs[index]}${sign}`);
  return tails ? [...found, signs.at(-1) ?? ''] : found;
}

function isLoneSign(token: string): boolean {
  return [...token].length === 1 && token.match(SPACELESS) !== null;
}
