/** Titles made without asking anyone: pure text work. */

const LONGEST = 60;

/** The first words of a message, on one line, cut at a word and marked as cut. */
export function firstWords(text: string): string {
  const line = text
    .replace(/```[\s\S]*?(```|$)/g, ' ')
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim();
  const plain = line === '' ? text.replace(/[\s\p{Cc}`]+/gu, ' ').trim() : line;
  const letters = Array.from(plain);
  if (letters.length <= LONGEST) return plain;
  const cut = letters.slice(0, LONGEST).join('');
  const space = cut.lastIndexOf(' ');
  return `${(space > LONGEST / 2 ? cut.slice(0, space) : cut).trimEnd()}…`;
}

/** The runtime's "title" is often the raw prompt again; only one that is something else is worth having. */
export function isRealTitle(title: string, prompt: string): boolean {
  const squeeze = (text: string) => text.replace(/\s+/g, ' ').trim().toLowerCase();
  const short = squeeze(title);
  return short !== '' && short.length <= 120 && !squeeze(prompt).startsWith(short.replace(/(…|\.{3})$/, ''));
}
