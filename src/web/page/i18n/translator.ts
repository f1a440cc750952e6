/** Texts and formats of the chosen language. */
import { en } from './en.ts';
import { ko } from './ko.ts';

/** Every language of the page. A new one is a catalog and a row here. */
export const CATALOGS = {
  en: { name: 'English', texts: en },
  ko: { name: '한국어', texts: ko },
} as const;

export type Locale = keyof typeof CATALOGS;
export type TextKey = keyof typeof en;
export type Catalog = Readonly<Record<TextKey, string>>;

export const LOCALES = Object.keys(CATALOGS) as Locale[];

/** The first language of the browser that the page speaks. */
export function localeFor(languages: readonly string[]): Locale {
  for (const language of languages) {
    const found = LOCALES.find((locale) => language.toLowerCase().split('-')[0] === locale);
    if (found !== undefined) return found;
  }
  return 'en';
}

export class Translator {
  readonly locale: Locale;
  readonly #texts: Catalog;
  readonly #time: Intl.DateTimeFormat;
  readonly #dateTime: Intl.DateTimeFormat;
  readonly #date: Intl.DateTimeFormat;
  readonly #number: Intl.NumberFormat;

  constructor(locale: Locale) {
    this.locale = locale;
    this.#texts = CATALOGS[locale].texts;
    this.#time = new Intl.DateTimeFormat(locale, { hour: 'numeric', minute: '2-digit' });
    this.#dateTime = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' });
    this.#date = new Intl.DateTimeFormat(locale, { dateStyle: 'medium' });
    this.#number = new Intl.NumberFormat(locale, { maximumFractionDigits: 2 });
  }

  /** The text of `key`, `{names}` filled in. */
  readonly t = (key: TextKey, values: Readonly<Record<string, string | number>> = {}): string =>
    this.#texts[key].replace(/\{(\w+)\}/g, (whole, name: string) => {
      const value = values[name];
      return value === undefined ? whole : typeof value === 'number' ? this.#number.format(value) : value;
    });

  /** What an error's stable code means; null: the catalog does not know it. */
  error(code: string): string | null {
    const key = `error.${code}`;
    return Object.hasOwn(this.#texts, key) ? this.#texts[key as TextKey] : null;
  }

  number(value: number): string {
    return this.#number.format(value);
  }

  date(iso: string): string {
    return this.#date.format(new Date(iso));
  }

  dateTime(iso: string): string {
    return this.#dateTime.format(new Date(iso));
  }

  /** The time of day, with the day when it is not today's. */
  moment(iso: string, now: number = Date.now()): string {
    const date = new Date(iso);
    const sameDay = date.toDateString() === new Date(now).toDateString();
    return (sameDay ? this.#time : this.#dateTime).format(date);
  }
}
