/**
 * Cross-site request forgery: a cookie comes along whoever caused the request, so an unsafe one must prove that our own page
 * did. By `Sec-Fetch-Site`, which pages cannot forge; else by `Origin`; else by `Referer` (OWASP, "Cross-Site Request Forgery
 * Prevention", verifying origin). Browsers send at least one of them with every cross-origin unsafe request, so a request
 * with none is not a browser's and cannot ride on anyone's cookie. Pure.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isLoopback } from '../config-values.ts';
import { GatewayError } from '../errors.ts';

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

/** What is looked at. */
export interface OriginQuestion {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly publicUrl: URL;
}

/** @throws GatewayError `cross_origin_refused` */
export function assertSameOrigin(question: OriginQuestion): void {
  if (SAFE.has(question.method) || isSameOrigin(question)) return;
  throw new GatewayError('cross_origin_refused', 'This request did not come from the gateway’s own page.');
}

function isSameOrigin({ headers, publicUrl }: OriginQuestion): boolean {
  const site = headers['sec-fetch-site'];
  // `none`: the person themselves, e.g. from the address bar.
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  const claimed = headers.origin ?? headers.referer;
  if (claimed === undefined) return true;
  const origin = URL.parse(claimed)?.origin;
  if (origin === undefined || origin === 'null') return false;
  return origin === publicUrl.origin || isOwnLoopback(origin, headers.host, publicUrl);
}

/** On one's own machine the page may be open as 127.0.0.1 while PUBLIC_URL says localhost. */
function isOwnLoopback(origin: string, host: string | undefined, publicUrl: URL): boolean {
  if (!isLoopback(publicUrl.hostname)) return false;
  const url = new URL(origin);
  return url.protocol === publicUrl.protocol && url.host === host && isLoopback(url.hostname);
}
