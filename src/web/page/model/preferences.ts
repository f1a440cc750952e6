/** What a person has chosen for this browser: language, colours. */
import { Observable } from './observable.ts';

export type Theme = 'system' | 'light' | 'dark';

const THEMES: readonly Theme[] = ['system', 'light', 'dark'];
const THEME_KEY = 'pilothouse:theme';
const LOCALE_KEY = 'pilothouse:locale';

export class Preferences<Locale extends string> extends Observable {
  theme: Theme;
  /** Null: as the browser says. */
  chosenLocale: Locale | null;
  readonly #storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

  constructor(storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>, locales: readonly Locale[]) {
    super();
    this.#storage = storage;
    this.theme = THEMES.find((theme) => theme === storage.getItem(THEME_KEY)) ?? 'system';
    this.chosenLocale = locales.find((locale) => locale === storage.getItem(LOCALE_KEY)) ?? null;
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
    this.#keep(THEME_KEY, theme === 'system' ? null : theme);
  }

  setLocale(locale: Locale | null): void {
    this.chosenLocale = locale;
    this.#keep(LOCALE_KEY, locale);
  }

  #keep(key: string, value: string | null): void {
    try {
      if (value === null) this.#storage.removeItem(key);
      else this.#storage.setItem(key, value);
    } catch {
      // Storage is full or forbidden: the choice holds until the page is closed.
    }
    this.changed();
  }
}
