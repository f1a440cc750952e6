/** Which links of an answer may be followed. Pure. */

const SAFE = /^(https?:\/\/|mailto:)/i;

/**
 * The address if a link may lead there: the web and mail, absolute. Everything else (`javascript:`, `data:`, paths of this
 * very gateway) is shown as the text it is.
 */
export function safeLink(href: string): string | null {
  const cleaned = withoutControls(href).trim();
  if (!SAFE.test(cleaned)) return null;
  const url = URL.parse(cleaned);
  if (url === null || !['http:', 'https:', 'mailto:'].includes(url.protocol)) return null;
  return url.href;
}

/** Browsers drop tabs and line ends inside of an address: what is checked must be what is opened. */
function withoutControls(text: string): string {
  return Array.from(text)
    .filter((character) => character.charCodeAt(0) > 0x1f && character.charCodeAt(0) !== 0x7f)
    .join('');
}
