/** Where a browser goes after sign-in: a path of ours, whatever was asked for. Pure. */

const LONGEST = 2_048;
/** Any base will do: what is asked is only whether a browser would leave it. */
const BASE = 'http://gateway.invalid';
/** Browsers strip tabs and line ends from a `Location` and read `\` as `/`: both turn a harmless look into another host. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
const TREACHEROUS = /[\u0000-\u001f\u007f\\]/;

/**
 * The given path with query and fragment if it is local, else `/`. Refused: other origins in every spelling (`//evil`,
 * `/\evil`, `https:evil`, `/%09/evil`, `/.//evil`), control characters, and sign-in itself, which would go round in circles.
 */
export function returnPath(asked: unknown): string {
  if (typeof asked !== 'string' || asked.length > LONGEST || !asked.startsWith('/') || TREACHEROUS.test(asked))
    return '/';
  const url = URL.parse(asked, BASE);
  if (url === null || url.origin !== BASE) return '/';
  const decoded = decode(url.pathname);
  if (decoded === null || TREACHEROUS.test(decoded) || decoded.startsWith('//')) return '/';
  if (/^\/auth(\/|$)/i.test(decoded)) return '/';
  return `${url.pathname}${url.search}${url.hash}`;
}

/** Decoded until nothing changes, so that no number of encodings hides anything; null: it is not well encoded. */
function decode(path: string): string | null {
  try {
    let decoded = path;
    for (let next = decodeURIComponent(decoded); next !== decoded; next = decodeURIComponent(next)) decoded = next;
    return decoded;
  } catch {
    return null; // A lone `%`: no link of ours has one.
  }
}
