import type { StandInPerson } from './people.ts';

/** Headers of every page: nothing is loaded from elsewhere, no script runs. */
export const PAGE_HEADERS: Record<string, string> = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** The stylesheet of the pages, served by itself because the policy forbids inline style. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --line: #8884; --accent: #2f6fdb; font: 16px/1.5 system-ui, sans-serif }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: Canvas; color: CanvasText }
main { width: min(26rem, calc(100vw - 2rem)); padding: 2rem 0 }
h1 { font-size: 1.35rem; margin: 0 0 .25rem }
p { margin: 0 0 1.25rem; opacity: .8 }
ul { list-style: none; margin: 0 0 1.25rem; padding: 0; border: 1px solid var(--line); border-radius: .75rem; overflow: hidden }
li + li { border-top: 1px solid var(--line) }
li a { display: flex; gap: .875rem; align-items: center; padding: .7rem 1rem; color: inherit; text-decoration: none }
li a:hover { background: color-mix(in srgb, var(--accent) 12%, transparent) }
a:focus-visible { outline: 3px solid var(--accent); outline-offset: -3px; border-radius: .5rem }
img { width: 40px; height: 40px; border-radius: 50%; flex: none }
small { display: block; opacity: .75 }
.cancel { display: inline-block; padding: .4rem .2rem; color: inherit }
`;

/** What the page for choosing a person says. */
export interface AuthorizePage {
  people: readonly StandInPerson[];
  /** Where the browser will be sent; shown so that a wrong one is noticed. */
  destination: string;
  scopes: readonly string[];
  /** Query of the authorize request, repeated on every link. */
  query: string;
}

/** The page on which a person is chosen. Every choice is a link: a form would fall under the caller's `form-action`. */
export function authorizePage(page: AuthorizePage): string {
  const scopes = page.scopes.length > 0 ? ` It asks for <code>${escapeHtml(page.scopes.join(' '))}</code>.` : '';
  return document(
    'Sign in to the stand-in of GitHub',
    `<h1>Who are you today?</h1>
<p>This is a local stand-in of GitHub; nobody here is real. <b>${escapeHtml(page.destination)}</b> would like to know who you are.${scopes}</p>
<ul>${page.people.map((person) => personLink(person, page.query)).join('')}</ul>
<a class="cancel" href="/login/oauth/authorize/cancel?${escapeHtml(page.query)}">Cancel</a>`,
  );
}

/** The page for a request that must not be answered by a redirect. */
export function errorPage(title: string, detail: string): string {
  return document(title, `<h1>${escapeHtml(title)}</h1><p>${escapeHtml(detail)}</p>`);
}

function personLink(person: StandInPerson, query: string): string {
  const about = [
    `@${person.login}`,
    person.orgs.length > 0 ? person.orgs.join(', ') : 'no organization',
    person.plan === 'none' ? 'no Copilot' : `Copilot ${person.plan ?? 'individual'}`,
  ].join(' · ');
  const href = `/login/oauth/authorize/as/${encodeURIComponent(person.login)}?${query}`;
  return (
    `<li><a href="${escapeHtml(href)}" data-login="${escapeHtml(person.login)}">` +
    `<img src="/avatars/${person.id}" alt=""><span>${escapeHtml(person.name)}<small>${escapeHtml(about)}</small></span></a></li>`
  );
}

function document(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/login/oauth/style.css"></head>
<body><main>${body}</main></body></html>`;
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
