/** Text that both engines keep as it is. */

/**
 * `text` with NUL and lone surrogates replaced by U+FFFD: PostgreSQL refuses the one (SQLSTATE 22021) and UTF-8 has no
 * form for the other. Done for both engines, so that the same words read the same, and an answer is never lost to one sign.
 */
export function storableText(text: string): string {
  const well = text.isWellFormed() ? text : text.toWellFormed();
  return well.includes('\0') ? well.replaceAll('\0', '\ufffd') : well;
}
