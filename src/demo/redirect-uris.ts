const LOOPBACK = new Set(['127.0.0.1', '[::1]', 'localhost']);

/**
 * Whether GitHub would send a browser there. A registered URL also covers the paths below it, and any port where its
 * host is a loopback one ("Redirect URLs" in GitHub's "Authorizing OAuth apps").
 * @param registered null: any loopback URL, for a demo whose port is not known beforehand
 */
export function redirectUriAllowed(registered: readonly string[] | null, candidate: string): boolean {
  const url = URL.parse(candidate);
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || url.hash) return false;
  if (registered === null) return LOOPBACK.has(url.hostname);
  return registered.some((text) => {
    const base = URL.parse(text);
    return base !== null && covers(base, url);
  });
}

function covers(base: URL, url: URL): boolean {
  if (base.protocol !== url.protocol || base.hostname !== url.hostname) return false;
  if (base.port !== url.port && !LOOPBACK.has(base.hostname)) return false;
  return url.pathname === base.pathname || url.pathname.startsWith(`${base.pathname.replace(/\/$/, '')}/`);
}
