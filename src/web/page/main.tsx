/** The page: makes its parts, hands them to the views. */
import { render } from 'preact';
import { GatewayApi } from './api/gateway-api.ts';
import { HttpClient } from './api/http-client.ts';
import { LOCALES } from './i18n/translator.ts';
import { LazyHighlighter } from './markdown/lazy-highlighter.ts';
import { Announcer } from './model/announcer.ts';
import { Preferences } from './model/preferences.ts';
import { Router } from './model/router.ts';
import { Session } from './model/session.ts';
import { Toasts } from './model/toasts.ts';
import './styles/tokens.css';
import './styles/controls.css';
import './styles/first-page.css';
import './styles/shell.css';
import './styles/sidebar.css';
import './styles/conversation.css';
import './styles/notes.css';
import './styles/composer.css';
import './styles/markdown.css';
import './styles/overlays.css';
import { App } from './views/app.tsx';

const session = new Session();
const api = new GatewayApi(new HttpClient((code) => session.ended(code)));
const root = document.getElementById('app');
if (root === null) throw new Error('index.html has no #app');

render(
  <App
    parts={{
      api,
      session,
      router: new Router(),
      preferences: new Preferences(localStorage, LOCALES),
      announcer: new Announcer(),
      toasts: new Toasts(),
      highlighter: new LazyHighlighter(),
    }}
  />,
  root,
);
void session.start(api);

// A page that the browser kept for its back button may be another person's by now.
window.addEventListener('pageshow', (event) => {
  if (event.persisted) location.reload();
});
