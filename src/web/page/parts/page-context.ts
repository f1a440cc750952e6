/** What every view may need. One value, made once in `main.tsx`. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { GatewayApi } from '../api/gateway-api.ts';
import type { Locale, Translator } from '../i18n/translator.ts';
import type { LazyHighlighter } from '../markdown/lazy-highlighter.ts';
import type { Announcer } from '../model/announcer.ts';
import type { Preferences } from '../model/preferences.ts';
import type { Router } from '../model/router.ts';
import type { Session } from '../model/session.ts';
import type { Toasts } from '../model/toasts.ts';

export interface PageContext {
  readonly api: GatewayApi;
  readonly session: Session;
  readonly router: Router;
  readonly preferences: Preferences<Locale>;
  readonly announcer: Announcer;
  readonly toasts: Toasts;
  readonly highlighter: LazyHighlighter;
  /** Of the language chosen now; a new one when another is chosen. */
  readonly translator: Translator;
}

export const Page = createContext<PageContext | null>(null);

export function usePage(): PageContext {
  const page = useContext(Page);
  if (page === null) throw new Error('A view stands outside of the page');
  return page;
}

/** The texts alone. */
export function useText(): Translator['t'] {
  return usePage().translator.t;
}
