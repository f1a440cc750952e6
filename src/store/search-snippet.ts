/** Where a text has the words of a question: the piece of it worth showing, and what to mark there. Pure. */
import { fold, isSpaceless, type SearchTerm, searchWords, wordRuns } from './search-tokens.ts';

/** A piece of a text. `highlights`: places of what was asked for, `[start, end)` in UTF-16 units of `snippet`. */
export interface Snippet {
  readonly snippet: string;
  readonly highlights: [number, number][];
}

/** UTF-16 units of a text that are looked at: a page of long texts must not hold up everyone else. */
const LOOKED_AT = 20_000;
const SNIPPET_LENGTH = 240;
/** Shown before the first place that was found. */
const LEAD = 60;
const MOST_HIGHLIGHTS = 50;

/** Letters with their marks, and the parts of a Hangul syllable, are folded together. */
const CLUSTER = /[\u1100-\u115f][\u1160-\u11a7]*[\u11a8-\u11ff]*|\P{M}\p{M}*|\p{M}+/gu;

/** The piece of `text` around the first word of `query` in it; its beginning where none is near enough. */
export function snippetOf(text: string, query: string): Snippet {
  const shown = text.slice(0, LOOKED_AT);
  const places = placesOf(shown, searchWords(query).flat());
  const from = wholeAt(text, Math.max(0, (places[0]?.[0] ?? 0) - LEAD));
  const to = wholeAt(text, Math.min(text.length, from + SNIPPET_LENGTH));
  const before = from > 0 ? '…' : '';
  const after = to < text.length ? '…' : '';
  const shift = before.length - from;
  return {
    snippet: before + text.slice(from, to).replace(/\s/g, ' ') + after,
    highlights: places
      .filter(([start, end]) => start >= from && end <= to)
      .slice(0, MOST_HIGHLIGHTS)
      .map(([start, end]) => [start + shift, end + shift]),
  };
}

/** Not between the two halves of a sign. */
function wholeAt(text: string, at: number): number {
  return /^[\udc00-\udfff]/.test(text.slice(at, at + 1)) ? at - 1 : at;
}

/** In order, those that touch or overlap made one. */
function placesOf(text: string, terms: readonly SearchTerm[]): [number, number][] {
  const { folded, origins } = foldedWithOrigins(text);
  const found = wordRuns(folded).flatMap(({ text: run, index }) =>
    terms.flatMap((term) => within(run, term).map(([start, end]) => [index + start, index + end] as const)),
  );
  const merged: [number, number][] = [];
  for (const [start, end] of found.toSorted(([a], [b]) => a - b)) {
    const place: [number, number] = [origins(start)[0], origins(end - 1)[1]];
    const last = merged.at(-1);
    if (last !== undefined && place[0] <= last[1]) last[1] = Math.max(last[1], place[1]);
    else merged.push(place);
  }
  return merged;
}

/** Places of a term in a run of one script: anywhere in a spaceless one, otherwise the word or its beginning. */
function within(run: string, { text, prefix }: SearchTerm): [number, number][] {
  if (isSpaceless(text)) {
    const places: [number, number][] = [];
    for (let at = run.indexOf(text); at !== -1; at = run.indexOf(text, at + 1)) places.push([at, at + text.length]);
    return places;
  }
  return run === text || (prefix && run.startsWith(text)) ? [[0, text.length]] : [];
}

/** `text` as search sees it, and for each unit of that the place in `text` that it came from. */
function foldedWithOrigins(text: string): { folded: string; origins: (at: number) => [number, number] } {
  if (/^[\0-\x7f]*$/.test(text)) return { folded: text.toLowerCase(), origins: (at) => [at, at + 1] };
  const parts: string[] = [];
  const starts: number[] = [];
  const ends: number[] = [];
  for (const { 0: cluster, index } of text.matchAll(CLUSTER)) {
    const part = fold(cluster);
    parts.push(part);
    for (let unit = 0; unit < part.length; unit += 1) {
      starts.push(index);
      ends.push(index + cluster.length);
    }
  }
  return { folded: parts.join(''), origins: (at) => [starts[at] ?? 0, ends[at] ?? text.length] };
}
