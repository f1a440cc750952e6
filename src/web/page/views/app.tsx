/** What is shown to whom: the first page, the workspace, or why neither. */
import { useEffect, useMemo } from 'preact/hooks';
import { localeFor, Translator } from '../i18n/translator.ts';
import { LiveRegion } from '../parts/live-region.tsx';
import { Page, type PageContext } from '../parts/page-context.ts';
import { ToastStack } from '../parts/toast-stack.tsx';
import { useWatch } from '../parts/use-watch.ts';
import { Shell } from './shell.tsx';
import { Unreachable } from './unreachable.tsx';
import { Welcome } from './welcome.tsx';

export function App({ parts }: { parts: Omit<PageContext, 'translator'> }) {
  const { preferences, session } = parts;
  useWatch(preferences, session);
  const locale = preferences.chosenLocale ?? localeFor(navigator.languages);
  const page = useMemo(() => ({ ...parts, translator: new Translator(locale) }), [parts, locale]);
  useEffect(() => {
    document.documentElement.lang = locale;
  }, [locale]);
  useEffect(() => {
    if (preferences.theme === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = preferences.theme;
  }, [preferences.theme]);
  return (
    <Page.Provider value={page}>
      <View page={page} />
      <ToastStack />
      <LiveRegion />
    </Page.Provider>
  );
}

function View({ page }: { page: PageContext }) {
  switch (page.session.state) {
    case 'asking':
      return <p class="visually-hidden">{page.translator.t('loading')}</p>;
    case 'signedOut':
      return <Welcome />;
    case 'unreachable':
      return <Unreachable />;
    case 'signedIn':
      return page.session.me === null ? null : <Shell me={page.session.me} />;
  }
}
