/** How long the page may take to answer. */
const DEADLINE_MS = 10_000;

/**
 * Does what a person does on the authorize page: opens it, follows the link of `login` or the one that cancels.
 * Works against a stand-in of any process.
 * @returns the URL of the callback to which the stand-in redirects
 * @throws Error if the page refuses the request or does not offer that person
 */
export async function playBrowser(
  authorizeUrl: string,
  login: string,
  decision: 'allow' | 'deny' = 'allow',
): Promise<string> {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const page = await fetch(authorizeUrl, { redirect: 'manual', signal });
  const early = page.headers.get('location');
  if (page.status === 302 && early) return early;
  const html = await page.text();
  if (page.status !== 200) throw new Error(`The authorize page answered ${page.status}: ${titleOf(html)}`);
  const wanted =
    decision === 'allow' ? `/login/oauth/authorize/as/${encodeURIComponent(login)}?` : '/login/oauth/authorize/cancel?';
  const link = [...html.matchAll(/href="([^"]+)"/g)]
    .map((match) => (match[1] ?? '').replaceAll('&amp;', '&').replaceAll('&#39;', "'"))
    .find((href) => href.startsWith(wanted));
  if (!link) throw new Error(`The authorize page does not offer ${decision === 'allow' ? login : 'to cancel'}`);
  const answer = await fetch(new URL(link, authorizeUrl), { redirect: 'manual', signal });
  const location = answer.headers.get('location');
  await answer.body?.cancel();
  if (!location) throw new Error(`Choosing ${login} answered ${answer.status} without a redirect`);
  return location;
}

function titleOf(html: string): string {
  return /<title>([^<]*)</.exec(html)?.[1] ?? 'no title';
}
