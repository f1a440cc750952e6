/** The page a person sees when sign-in does not work. Nothing on it is loaded from elsewhere and no script runs. Pure. */
import { createHash } from 'node:crypto';
import { ERROR_CODES, type Problem } from '../errors.ts';

const STYLE = `:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{margin:0;min-height:100vh;display:grid;place-items:center;background:Canvas;color:CanvasText}
main{width:min(30rem,calc(100vw - 2rem));padding:2rem 0}
h1{font-size:1.35rem;margin:0 0 .5rem}
p{margin:0 0 1.25rem}
.actions{display:flex;flex-wrap:wrap;gap:.75rem}
a{padding:.55rem 1rem;border:1px solid #8888;border-radius:.5rem;color:inherit;text-decoration:none}
a:first-child{background:#1f5fcc;border-color:#1f5fcc;color:#fff}
a:focus-visible{outline:3px solid #1f5fcc;outline-offset:2px}
small{display:block;margin-top:2rem;opacity:.75}`;

/** Headers of the page. The one style block is allowed by its hash. */
export const SIGN_IN_PAGE_HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  // The address of a callback has the code in it.
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
};

/** The page for a problem. `retryPath` is where "Try again" leads. */
export function signInPage(problem: Problem, retryPath: string): string {
  const action = typeof problem.actionUrl === 'string' ? link(problem.actionUrl, 'Continue on GitHub') : '';
  const reference = problem.requestId === null ? '' : ` · ${escapeHtml(problem.requestId)}`;
  const title = escapeHtml(ERROR_CODES[problem.code].title);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title><style>${STYLE}</style></head>
<body><main><h1>${title}</h1><p>${escapeHtml(problem.detail)}</p>
<div class="actions">${action}${link(retryPath, 'Try again')}</div>
<small>${escapeHtml(problem.code)}${reference}</small></main></body></html>
`;
}

function link(href: string, text: string): string {
  return `<a href="${escapeHtml(href)}">${escapeHtml(text)}</a>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
