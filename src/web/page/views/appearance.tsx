/** Language and colours. */
import { CATALOGS, LOCALES, type Locale } from '../i18n/translator.ts';
import type { Theme } from '../model/preferences.ts';
import { usePage, useText } from '../parts/page-context.ts';

const THEMES: readonly Theme[] = ['system', 'light', 'dark'];

export function AppearanceSwitches({ compact = false }: { compact?: boolean }) {
  const t = useText();
  const { preferences } = usePage();
  return (
    <div class={compact ? 'switches compact' : 'switches'}>
      <label class="field">
        <span>{t('language')}</span>
        <select
          value={preferences.chosenLocale ?? ''}
          onChange={(event) => preferences.setLocale(localeOf(event.currentTarget.value))}
        >
          <option value="">{t('asBrowser')}</option>
          {LOCALES.map((locale) => (
            <option key={locale} value={locale} lang={locale}>
              {CATALOGS[locale].name}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        <span>{t('theme')}</span>
        <select
          value={preferences.theme}
          onChange={(event) =>
            preferences.setTheme(THEMES.find((theme) => theme === event.currentTarget.value) ?? 'system')
          }
        >
          {THEMES.map((theme) => (
            <option key={theme} value={theme}>
              {t(`theme.${theme}`)}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

function localeOf(value: string): Locale | null {
  return LOCALES.find((locale) => locale === value) ?? null;
}
