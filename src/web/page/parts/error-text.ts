/** Errors in the reader's words. */
import type { Translator } from '../i18n/translator.ts';

/**
 * The sentence for an error's code. In English the gateway's own detail is better where it has one, because it names the
 * model, the limit, the organization.
 */
export function errorText(
  translator: Translator,
  error: { code: string; message: string } | { code: string; detail: string },
): string {
  const known = translator.error(error.code);
  const ours = error.code === 'network' || error.code === 'timeout' || error.code === 'http';
  const detail = 'detail' in error ? error.detail : error.message;
  if (translator.locale === 'en' && !ours && detail !== '') return detail;
  return known ?? detail;
}
