/** Tells GitHub's refusals apart. Pure: status, headers and body in, a kind out. */

/** One answer of the REST API. `body` is parsed JSON, or null. */
export interface GitHubAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** What an answer means. */
export type AnswerKind =
  | { readonly kind: 'ok' }
  /** 401: the token is revoked, expired or wrong. */
  | { readonly kind: 'token_refused' }
  /** The organization wants SAML SSO for this token; `url` is where the person grants it. */
  | { readonly kind: 'sso_required'; readonly url: string | null }
  /** The organization has not approved this OAuth App. */
  | { readonly kind: 'app_restricted' }
  /** 403 of any other reason: a missing scope or permission, an IP allow list. */
  | { readonly kind: 'forbidden' }
  | { readonly kind: 'not_found' }
  /** 429, an exhausted rate limit, 5xx or an answer that makes no sense: nothing is known. */
  | { readonly kind: 'unavailable'; readonly retryAfter: number | null };

/** Classifies an answer. */
export function answerKind(answer: GitHubAnswer): AnswerKind {
  const { status, headers } = answer;
  if (status >= 200 && status < 300) return { kind: 'ok' };
  if (status === 401) return { kind: 'token_refused' };
  if (status === 404 || status === 410) return { kind: 'not_found' };
  if (status === 403) return forbiddenKind(answer);
  return { kind: 'unavailable', retryAfter: secondsOf(headers.get('retry-after')) };
}

function forbiddenKind(answer: GitHubAnswer): AnswerKind {
  const { headers } = answer;
  const message = messageOf(answer.body);
  const sso = headers.get('x-github-sso');
  if (sso?.startsWith('required') || /SAML enforcement/i.test(message)) {
    return { kind: 'sso_required', url: /url=(\S+)/.exec(sso ?? '')?.[1] ?? null };
  }
  if (/OAuth App access restrictions/i.test(message)) return { kind: 'app_restricted' };
  // GitHub answers 403 for both its rate limits; a person must not be taken for refused because of one.
  const limited =
    headers.get('x-ratelimit-remaining') === '0' || headers.has('retry-after') || /rate limit/i.test(message);
  if (limited) return { kind: 'unavailable', retryAfter: secondsOf(headers.get('retry-after')) };
  return { kind: 'forbidden' };
}

function messageOf(body: unknown): string {
  if (typeof body !== 'object' || body === null || !('message' in body)) return '';
  return typeof body.message === 'string' ? body.message : '';
}

function secondsOf(header: string | null): number | null {
  return header !== null && /^\d{1,6}$/.test(header) ? Number(header) : null;
}
